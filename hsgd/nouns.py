"""How the frozen nouns take what a user passes: the one way that all of them share.

A noun takes more than it keeps: a list, a table or an array of any data type becomes a read-only
array of doubles, an omitted start a vector of zeros, a pair of held-out rows a population. So each
noun whose fields are not simply what was passed writes its own `__init__`:

- its parameters are typed by what may be passed, the fields of the class by what is kept;
- it has the names of the fields, which is all that `replace` needs to call it;
- it checks, converts, and then sets all fields at once by `keep`.

`dataclass` finds `__init__` there and adds the rest (`repr`, `eq`, `fields`), so that pickles and
copies are those of any dataclass. A subclass with further fields writes an `__init__` as well.
Algorithms keep what they are given, so that theirs is made by `dataclass`, also in subclasses.

A swept parameter, an `xarray.DataArray` with dims, is kept as it is until a verb runs once for each
of its members. The field `ridge` of a problem is typed as what the verbs see: a number.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, TypeAlias, TypeVar, cast

import numpy as np
import xarray as xr

from hsgd.checks import is_swept

if TYPE_CHECKING:
    from scipy import sparse

    from hsgd.checks import Array

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

Real = float | np.floating[Any] | np.integer[Any]
"""A number that may be passed; it is kept as a float."""
Whole = int | np.integer[Any]
"""A count that may be passed; it is kept as an int."""
Swept = Real | xr.DataArray
"""A number, or a DataArray of numbers: a sweep."""
Sparse: TypeAlias = "sparse.sparray[Any, Any] | sparse.spmatrix[Any]"
"""A SciPy sparse matrix that may be passed."""
Matrix: TypeAlias = "Array | Any"
"""A matrix as it is kept: an array, or a `scipy.sparse.csr_array` where a sparse one was passed.

`Any` stands for the second, so that those who passed an array need not say so again wherever they
use it, and those who passed a sparse matrix may call what arrays have not."""


_CALLED_HERE = {
    "averaging": ("average", "averages", "ema", "ema_decay", "averaged"),
    "learning_rate": ("lr", "gamma", "eta", "step_size", "stepsize", "rate", "learning_rates"),
    "batch_size": ("batch", "bs", "batchsize", "minibatch_size"),
    "ridge": ("alpha", "delta", "l2", "regularization", "regularisation", "lam", "lambda_"),
    "momentum": ("beta", "mu", "rho"),
    "coefficients": ("beta", "theta", "w", "weights"),
    "noise": ("sigma", "std", "noise_std"),
    "activation": ("nonlinearity", "phi"),
    "standardise": ("standardize", "scale", "with_std"),
    "centre": ("center", "with_mean", "fit_intercept"),
    "weights": ("sample_weight",),
    "test": ("test_size",),
    "num_replicates": ("replicates", "num_runs", "n_runs", "runs"),
    "time": ("times", "t"),
    "x0": ("init", "start", "initial", "w0"),
    "b": ("y", "target", "targets"),
    "A": ("X", "data", "inputs"),
    "num_features": ("N", "n_features", "width"),
}
"""Parameters, and what other programs call them."""
_ELSEWHERE = {
    "momentum": "take hsgd.HeavyBall, or hsgd.GeneralMomentum.pytorch for PyTorch's",
    "nesterov": "take hsgd.Nesterov, or hsgd.GeneralMomentum.pytorch for PyTorch's",
    "dampening": "take hsgd.GeneralMomentum.pytorch",
    "weight_decay": "give the problem a ridge, n times as large for n rows",
    "betas": "take hsgd.HeavyBall for momentum; Adam is not among the algorithms",
    "replace": 'write sampling="with_replacement" or sampling="subset"',
    "shuffle": 'write sampling="reshuffle"',
    "fit_intercept": "use hsgd.LeastSquares.from_data, which centres",
    "epochs": "make times of them, hsgd.times(problem, algorithm, epochs=20), and pass those to "
    "the function that runs it",
    "seed": "pass it to the function that runs it",
}
"""What is not a parameter here, and what does the same."""


class Noun:
    """A frozen dataclass of which changed copies can be made."""

    _computed_of: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What is computed of one field alone, `functools.cached_property`, and of which."""

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        """Refuse unknown keywords with the right word; Python's own sentence has none."""
        if named:
            check_names(cls.__name__, list(inspect.signature(cls.__init__).parameters)[1:], named)
        return super().__new__(cls)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew; what follows from others is kept."""
        copy = type(self).__new__(type(self), **changes)
        known = {name for name, field in self._computed_of.items() if field not in changes}
        # Before `__init__`, which may need it.
        copy.__dict__.update({name: self.__dict__[name] for name in known & {*self.__dict__}})
        cast(Any, copy).__init__(**{**fields_of(self), **changes})
        return copy


def check_names(taker: str, known: list[str], named: Mapping[str, Any]) -> None:
    """Refuse keywords that something does not take, with the right word; Python's has none.

    Raises
    ------
    TypeError
        For the first of them.
    """
    for name in named:
        if name not in known:
            raise TypeError(f"{taker} has no {name}: {_right_word(name, known)}.")


def taking_its_own_names(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The same function, which says the right word for keywords that it does not take."""
    known = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def call(*positional: Arguments.args, **named: Arguments.kwargs) -> Result:
        check_names(function.__name__, known, named)
        return function(*positional, **named)

    return call


def _right_word(name: str, known: list[str]) -> str:
    for own, others in _CALLED_HERE.items():
        if own in known and name in others:
            return f"it is called {own} here"
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}" if near else f"it takes {', '.join(known)}"


def fields_of(noun: Any) -> dict[str, Any]:
    """What a noun was made from, by name."""
    return {f.name: getattr(noun, f.name) for f in dataclasses.fields(noun) if f.init}


def swept_fields(noun: Any) -> dict[str, xr.DataArray]:
    """The sweeps that a noun holds, by name: in its own fields, and in nouns that these hold.

    Raises
    ------
    ValueError
        If two of them have one name.
    """
    found: dict[str, xr.DataArray] = {}
    for name, value in fields_of(noun).items():
        nested = dataclasses.is_dataclass(value) and not isinstance(value, type)
        inner = fields_of(value) if nested else {name: value}
        for own, parameter in inner.items():
            if not is_swept(parameter):
                continue
            if own in found:
                raise ValueError(
                    f"two sweeps are called {own} here, one of them in {name}: sweep one of the "
                    "two, and call the function once for each value of the other."
                )
            found[own] = parameter
    return found


def with_numbers(noun: Any, setting: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that change where the sweeps of a noun are replaced by numbers."""
    changed: dict[str, Any] = {}
    for name, value in fields_of(noun).items():
        if is_swept(value):
            changed[name] = setting[name]
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            inner = {n: setting[n] for n, v in fields_of(value).items() if is_swept(v)}
            changed |= {name: dataclasses.replace(value, **inner)} if inner else {}
    return changed


def keep(noun: object, **fields: object) -> None:
    """Set the fields of a frozen noun: once, at the end of its `__init__`."""
    for name, value in fields.items():
        object.__setattr__(noun, name, value)
