"""Which problems and algorithms a verb takes."""

from __future__ import annotations

import inspect
import math
from typing import Any

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.sgd import SGD
from hsgd.interfaces import Problem
from hsgd.nouns import swept_fields
from hsgd.problems.least_squares import LeastSquares


def check_setting(
    problem: Any,
    algorithm: Any,
    *,
    problems: tuple[type, ...] = (LeastSquares,),
    algorithms: tuple[type[Algorithm], ...] = (SGD,),
    batch_schedules: bool = False,
    sparse: bool = False,
    products: bool = False,
    averages: bool = False,
    independent: str = "",
) -> None:
    """Refuse what a verb cannot do with a problem and an algorithm, before any work.

    Parameters
    ----------
    problems, algorithms
        The nouns that the verb knows.
    batch_schedules
        Whether it knows batch sizes that change over time.
    sparse
        Whether it takes a sparse A.
    products
        Whether it takes an A that is known by its products alone.
    averages
        Whether it knows averages of the iterates.
    independent
        Why batches must not depend on earlier ones, in a few words; empty if they may.

    Raises
    ------
    TypeError
        With the noun to pass instead.
    ValueError
        If a batch without replacement is larger than the number of rows, or batches change over
        time or depend on earlier ones where they must not.
    """
    num_rows = getattr(problem, "num_rows", None)
    if not isinstance(problem, problems) or num_rows is None:
        raise TypeError(f"the problem is a {type(problem).__name__}: {_remedy(problem, problems)}.")
    outputs = getattr(problem, "outputs", None)
    if outputs is not None:
        raise ValueError(
            f"the problem has {len(outputs)} outputs, and this function looks at one: "
            f"pass problem.output({outputs[0]!r})."
        )
    fresh = math.isinf(num_rows)
    fitting = tuple(kind for kind in algorithms if (kind.on_stream if fresh else kind.on_data))
    if not isinstance(algorithm, fitting):
        known = [f"hsgd.{kind.__name__}({_required(kind)})" for kind in fitting]
        names = known[0] if len(known) == 1 else f"{', '.join(known[:-1])} or {known[-1]}"
        if isinstance(algorithm, Algorithm):
            kind = type(algorithm).__name__
            if algorithm.only_simulated and not isinstance(algorithm, algorithms):
                raise TypeError(f"only simulate.sgd knows {kind}: run it there, or pass {names}.")
            raise TypeError(
                f"this function does not take {kind} on {type(problem).__name__}: pass {names}, "
                + (_SAMPLE if fresh else _STREAM)
            )
        raise TypeError(f"the algorithm is a {type(algorithm).__name__}: pass {names}.")
    for noun in (problem, algorithm):
        for name in swept_fields(noun):
            raise TypeError(
                f"{name} is swept (an xarray.DataArray), but this takes one setting at a time: "
                "pass one number."
            )
    algorithm.check_batch(num_rows)
    if getattr(problem, "is_product", False) and not products:
        raise TypeError(
            "A is known by its products alone, which this function cannot do with: pass an array, "
            "a memory map or a sparse matrix, or ask hsgd.predict."
        )
    if getattr(problem, "is_sparse", False) and not sparse:
        raise TypeError(
            "A is sparse, but this needs a dense array: make the problem with A.toarray()."
        )
    if algorithm.averaging is not None and not averages:
        raise ValueError(
            "this function knows nothing of averages of the iterates: pass it "
            "algorithm.replace(averaging=None); predict, limits and simulate.sgd keep them."
        )
    if algorithm.has_batch_schedule and not batch_schedules:
        raise ValueError(
            "batch_size changes over time, which this function cannot follow yet: pass one integer."
        )
    if independent and not algorithm.has_independent_batches:
        raise ValueError(
            f"{independent}, but sampling is {getattr(algorithm, 'sampling', '')!r}: simulate it "
            "(simulate.sgd), or use sampling='with_replacement' or 'subset'."
        )


def _required(kind: type[Algorithm]) -> str:
    """What an algorithm cannot be made without."""
    parameters = inspect.signature(kind).parameters.values()
    return ", ".join(p.name for p in parameters if p.default is p.empty)


def check_rate(problem: Problem, algorithm: Algorithm) -> None:
    """Refuse learning rates so large that the first step leaves floating point, or as small.

    Rates above critical are a question like any other; these are a slip, and no theory can compute
    anything of them.

    Raises
    ------
    ValueError
        With the size of a step.
    """
    levels = getattr(algorithm.schedule, "levels", (getattr(algorithm.schedule, "level", 0.0),))
    rate = max(levels)
    if rate == 0 or 1 / _LARGEST_STEP < rate < _LARGEST_STEP:  # without a pass over the data
        return
    size = problem.mean_squared_row_norm
    if rate * size > _LARGEST_STEP:
        raise ValueError(
            f"learning_rate is {rate:g} on rows of mean squared norm {size:.3g}: one step would "
            f"multiply the parameters by {rate * size:.0e}; pass one below "
            "hsgd.critical_learning_rate(problem)."
        )
    if rate * size < 1 / _LARGEST_STEP**2:
        raise ValueError(
            f"learning_rate is {rate:g} on rows of mean squared norm {size:.3g}: no step would "
            "change anything; pass a fraction of hsgd.critical_learning_rate(problem)."
        )


_LARGEST_STEP = 1e25
"""Factor by which one step may multiply the parameters."""
_SAMPLE = "or draw rows to pass over many times by problem.sample(n, seed)."
_STREAM = "or stream fresh rows of a hsgd.GaussianRows."


def _remedy(problem: Any, problems: tuple[type, ...]) -> str:
    names = " or ".join(f"hsgd.{kind.__name__}" for kind in problems)
    if hasattr(problem, "given_weights"):
        return f"pass a {names}, for example problem.given_weights(seed), or .sample(n, seed)"
    if hasattr(problem, "gaussian_equivalent"):
        return f"pass a {names}, for example problem.gaussian_equivalent(), or .sample(n, seed)"
    if (
        hasattr(problem, "sample")
        and hasattr(problem, "num_rows")
        and not math.isinf(problem.num_rows)
    ):
        return f"pass a {names}, for example problem.sample(seed)"
    if hasattr(problem, "sample"):
        return f"pass a {names} (a population becomes a LeastSquares by .sample(n, seed))"
    return f"pass a {names}"
