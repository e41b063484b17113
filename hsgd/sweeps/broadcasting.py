"""Sweeps: a parameter given as an `xarray.DataArray` becomes dimensions of the result.

A noun may hold a DataArray in the place of a number (`learning_rate`, `batch_size` and `momentum`
of an algorithm, parameters of its schedules, `ridge` of a problem), and so may an option of one of
these names; several outputs of a problem are a sweep over them. A verb is a function of a problem,
often of an algorithm, and of more, that gives a dataset; `@follows_sweeps` makes it
run once per member, on nouns that hold numbers only. `hsgd.sweep` does the same on a cluster.
Members share the data, their decomposition, and the random numbers: without a seed one is drawn for
all of them.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, is_dataclass, replace
from typing import TYPE_CHECKING, Any, ParamSpec
from weakref import WeakKeyDictionary

import numpy as np

from hsgd import warning
from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array, is_swept, shown
from hsgd.dataset import provenance
from hsgd.dataset.schema import OWN_DIMS, READOUT_DIMS
from hsgd.nouns import check_names, fields_of, swept_fields, with_numbers
from hsgd.schedules import Schedule
from hsgd.sweeps.stacking import stacked

if TYPE_CHECKING:
    import xarray as xr

Arguments = ParamSpec("Arguments")

_OPTIONS = ("learning_rate", "batch_size", "momentum", "ridge")
"""Options of verbs that may be swept; others, such as times, may be DataArrays all the same."""
_NOT_IN_SWEEPS = {
    "client": "a sweep is spread over a cluster as a whole: call hsgd.sweep(function, ..., "
    "client=client).",
    "checkpoint": "a checkpoint belongs to one setting: a sweep keeps what it has finished by "
    "hsgd.sweep(function, ..., folder=folder).",
}

_shared_by: ContextVar[int] = ContextVar("shared_by", default=1)
_by_ridge: WeakKeyDictionary[Any, dict[float, Any]] = WeakKeyDictionary()
"""One noun per ridge, so that members with the same ridge share what is computed of it."""


def shared_by() -> int:
    """How many members of a sweep have to do with the cost of one call."""
    return _shared_by.get()


@contextmanager
def _sharing(count: int) -> Iterator[None]:
    token = _shared_by.set(count)
    try:
        yield
    finally:
        _shared_by.reset(token)


@dataclass(frozen=True, eq=False)
class Sweep:
    """A call of a verb, its arguments by name, and those of its parameters that are swept."""

    verb: Callable[..., xr.Dataset]
    arguments: Mapping[str, Any]
    parameters: Mapping[str, xr.DataArray]
    dims: tuple[Any, ...]
    sizes: tuple[int, ...]
    values: Mapping[str, Array]
    """Of each swept parameter for every member, shape (members,)."""

    @classmethod
    def of(cls, verb: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> Sweep:
        """The sweep that a call is; of one member where nothing is swept.

        Raises
        ------
        TypeError, ValueError
            For arguments that the verb does not take, or dimensions that datasets use themselves.
        """
        import xarray as xr

        bound = inspect.signature(verb).bind(*positional, **named)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        swept = _parameters(arguments)
        _check_names(swept)
        bare = [value.reset_coords(drop=True) for value in swept.values()]
        try:
            grid = xr.broadcast(*xr.align(*bare, join="exact", copy=False))
        except ValueError:
            raise ValueError(
                f"{' and '.join(swept)} are swept along a common dimension, but with different "
                "values or sizes there: give both the same, or dimensions of their own."
            ) from None
        dims, sizes = (grid[0].dims, grid[0].shape) if grid else ((), ())
        values = {name: g.values.ravel() for name, g in zip(swept, grid, strict=True)}
        return cls(verb, arguments, swept, dims, sizes, values)

    def __len__(self) -> int:
        return int(np.prod(self.sizes))

    @property
    def problem(self) -> Any:
        """The noun that comes first."""
        return next(iter(self.arguments.values()), None)

    def having(self, **changes: Any) -> Sweep:
        """The same with other arguments."""
        return replace(self, arguments={**self.arguments, **changes})

    def setting(self, index: int) -> dict[str, Any]:
        """The swept parameters of a member."""
        return {name: values[index].item() for name, values in self.values.items()}

    def prepare(self) -> None:
        """Decompose the problem before it is copied, so that all copies share it."""
        if {"ridge", "output"} & {*self.parameters}:
            self.problem.decompose()

    def run(self, index: int, **options: Any) -> xr.Dataset:
        """Call the verb for one member.

        Raises
        ------
        Exception
            What the verb raises, with the member's parameters in front.
        KeyboardInterrupt
            If the verb was interrupted and gave what it had.
        """
        setting = self.setting(index)
        arguments = {
            name: _with(value, setting, name) for name, value in self.arguments.items()
        } | options
        place = ", ".join(f"{name} = {_rounded(value)}" for name, value in setting.items())
        try:
            with _sharing(len(self)), warning.placed(place):
                found = self.verb(**arguments)
        except Exception as error:
            raise _placed(error, place) if place else error from error
        if getattr(found, "attrs", {}).get("status") == "partial":
            raise KeyboardInterrupt
        return found

    def assembled(self, found: Sequence[xr.Dataset], messages: Sequence[str]) -> xr.Dataset:
        """All members as one dataset; their warnings are counted and issued once."""
        if messages:
            where = f"{len(found)} members of the sweep" if self.dims else "the replicates"
            count = len(messages)
            words = (
                f"{count} warnings in {where}, the first"
                if count > 1
                else f"one warning in {where}"
            )
            text = f"{words}: {messages[0]}"
            if messages[-1].partition(") ")[2] != messages[0].partition(") ")[2]:
                text += f" The last: {messages[-1]}"  # of another kind, as of rates that diverge
            warning.warn(text, stacklevel=3)
        result: xr.Dataset = self._labelled(
            stacked(found, self.dims, self.sizes, set(self.parameters))
        )
        if hasattr(self.problem, "description"):
            result.attrs["problem"] = provenance.describe_problem(self.problem)
        for algorithm in filter(_is_algorithm, self.arguments.values()):
            result.attrs["algorithm"] = provenance.describe_algorithm(algorithm)
        return result

    def array(self, name: str, words: str) -> xr.DataArray:
        """What a verb that gives numbers gives for all members."""
        import xarray as xr

        found = [self.run(index) for index in range(len(self))]
        attrs = {"units": "1", "long_name": words}
        values = np.reshape(np.asarray(found, dtype=np.float64), self.sizes)
        result: xr.DataArray = self._labelled(xr.DataArray(values, dims=self.dims, attrs=attrs))
        return result.rename(name)

    def _labelled(self, result: Any) -> Any:
        """A dataset or DataArray, with the parameters as coordinates."""
        inherited: dict[Any, Any] = {}
        for value in self.parameters.values():
            inherited |= dict(value.coords)
        own = {
            name: value.assign_attrs(units="1", long_name=name.replace("_", " "))
            for name, value in self.parameters.items()
        }
        bare = {name: value.reset_coords(drop=True) for name, value in own.items()}
        return result.assign_coords(inherited).assign_coords(bare)

    def checked(self) -> Sweep:
        """The same with what all members share: one seed, and no progress bars of their own.

        Raises
        ------
        ValueError
            For options that belong to one call.
        """
        changes: dict[str, Any] = {}
        for name, sentence in _NOT_IN_SWEEPS.items():
            if self.arguments.get(name) is not None:
                raise ValueError(sentence)
        for algorithm in filter(_is_algorithm, self.arguments.values()):
            if algorithm.is_adaptive and "output" in self.parameters:
                raise ValueError(
                    f"{type(algorithm).__name__} finds one learning rate from all outputs "
                    "together, which is not done here: pass one of them, problem.output(name)."
                )
        count = self.arguments.get("num_replicates")
        if isinstance(count, str) and count == "auto":
            raise ValueError(
                "num_replicates='auto' would give every member of a sweep another number of runs: "
                "pass an integer."
            )
        if "progress" in self.arguments:
            changes["progress"] = False
        if "seed" in self.arguments and self.arguments["seed"] is None:
            changes["seed"] = np.random.SeedSequence().entropy
        return self.having(**changes)


def follows_sweeps(verb: Callable[Arguments, xr.Dataset]) -> Callable[Arguments, xr.Dataset]:
    """A verb that also takes swept parameters, and then runs once per member in this process."""
    known = list(inspect.signature(verb).parameters)

    @functools.wraps(verb)
    def call(*positional: Arguments.args, **named: Arguments.kwargs) -> xr.Dataset:
        check_names(verb.__name__, known, named)
        if not (any(map(_swept_fields, positional)) or _parameters(named)):
            return verb(*positional, **named)
        sweep = Sweep.of(verb, positional, named).checked()
        sweep.prepare()
        found, messages = recorded(sweep.run, range(len(sweep)))
        return sweep.assembled(found, messages)

    return call


def swept_number(
    verb: Callable[..., float], *positional: Any, name: str, words: str
) -> float | xr.DataArray:
    """What a verb gives that gives a number: one, or a DataArray over what is swept."""
    if not any(map(_swept_fields, positional)):
        return verb(*positional)
    sweep = Sweep.of(verb, positional, {})
    sweep.prepare()
    return sweep.array(name, words)


def recorded(
    run: Callable[[int], xr.Dataset], indices: Sequence[int]
) -> tuple[list[xr.Dataset], list[str]]:
    """What `run` gives for each index, and the texts of the warnings of verbs in this thread."""
    with warning.gathered() as messages:
        found = [run(index) for index in indices]
    return found, messages


def _rounded(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else shown(value)


def _is_algorithm(value: Any) -> bool:
    return isinstance(value, Algorithm)


def _is_noun(value: Any) -> bool:
    return _is_algorithm(value) or (hasattr(value, "ridge") and hasattr(value, "description"))


def _swept_fields(value: Any) -> dict[str, xr.DataArray]:
    if isinstance(value, type) or not is_dataclass(value) or not _is_noun(value):
        return {}
    return _several_outputs(value) | swept_fields(value)


def _several_outputs(problem: Any) -> dict[str, xr.DataArray]:
    """The outputs of a problem, as a sweep: nothing but the rows is common to them."""
    import xarray as xr

    outputs = getattr(problem, "outputs", None)
    if outputs is None:
        return {}
    return {"output": xr.DataArray(list(outputs), {"output": list(outputs)}, ("output",))}


def _parameters(arguments: Mapping[str, Any]) -> dict[str, xr.DataArray]:
    """The swept parameters by name: fields of the nouns among the arguments, or options."""
    swept: dict[str, Any] = {}
    for option, value in arguments.items():
        swept |= {option: value} if option in _OPTIONS and is_swept(value) else {}
        swept |= _swept_fields(value)
    return swept


def _check_names(swept: Mapping[str, xr.DataArray]) -> None:
    for name, value in swept.items():
        if not value.size:
            raise ValueError(f"{name} is an empty DataArray: give the sweep at least one value.")
        if {*OWN_DIMS, *READOUT_DIMS} & set(value.dims):
            raise ValueError(
                f"{name} is swept along {value.dims}, which datasets use themselves: "
                f"rename the dimension, for example to {name!r}."
            )
        taken = {*_OPTIONS, *swept} - {name}
        # A learning rate for each ridge, say, goes with the sweep of that ridge.
        taken -= {other for other in swept if swept[other].dims == (other,)}
        for other in set(value.dims) & taken:
            raise ValueError(
                f"{name} is swept along a dimension called {other!r}, the name of another "
                f"parameter: rename it, for example to {name!r}."
            )


def _with(value: Any, setting: Mapping[str, Any], name: str) -> Any:
    """An argument of one member: swept fields and options hold its numbers."""
    if is_swept(value) and name in setting:
        return setting[name]
    if _is_algorithm(value):
        return _algorithm_with(value, setting)
    if "output" in setting and getattr(value, "outputs", None) is not None:
        value = value.output(setting["output"])
    if "ridge" in setting and _swept_fields(value):
        known = _by_ridge.setdefault(value, {})
        ridge = setting["ridge"]
        if ridge not in known:
            known[ridge] = value.replace(ridge=ridge)
        return known[ridge]
    return value


def _algorithm_with(algorithm: Any, setting: Mapping[str, Any]) -> Algorithm:
    # Schedules remember what they integrated, in bits that depend on how far: every member has
    # its own, so that it does not matter which were run before it.
    own = fields_of(algorithm)
    changed = {name: copy.copy(value) for name, value in own.items() if isinstance(value, Schedule)}
    changed |= with_numbers(algorithm, setting)
    member: Algorithm = replace(algorithm, **changed)
    return member


_PLAIN = (TypeError, ValueError, MemoryError, ArithmeticError, RuntimeError, OSError)


def _placed(error: Exception, place: str) -> Exception:
    """The same kind of error with the place where it happened in front of its words."""
    plain = [kind for kind in _PLAIN if isinstance(error, kind)]
    words = str(error) if plain else f"{type(error).__name__}: {error}"
    return (plain or [RuntimeError])[0](f"in the member {place}: {words}")
