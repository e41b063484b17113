"""Several outputs: targets with k columns are k problems that share everything but a column.

One sampled row moves all k outputs at once. Their means do not know of each other; the noise of all
of them comes from the same rows, and so do the random numbers of a simulation. So a verb runs once
per output, on problems that share the data and their decomposition, and `output` is a dimension of
what it gives (`hsgd.sweeps`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from hsgd.checks import SPAN, Array, plain_array, real_array, shown, vector
from hsgd.nouns import Noun
from hsgd.problems.labelled import column_names

Name = str | int
"""What an output is called."""


class Outputs(Noun):
    """A problem that may have several outputs."""

    _one_column_each: ClassVar[str | None] = None
    """The field whose columns are the outputs: others have other names."""

    if TYPE_CHECKING:  # some keep it as a field, which a property here would shadow

        @property
        def outputs(self) -> tuple[Name, ...] | None:
            """What they are called; None for a single one, which has no name."""

    @abstractmethod
    def _of_output(self, index: int) -> Self:
        """The problem of one of them."""

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew; what follows from others is kept."""
        if self._one_column_each in changes:
            changes = {"outputs": None, **changes}
        return super().replace(**changes)

    @cached_property
    def _known_outputs(self) -> dict[int, Self]:
        return {}

    def output(self, name: Name) -> Self:
        """The problem of one output; one object each, so that what is computed of it is kept.

        Raises
        ------
        ValueError
            If there is no such output, or a single one.
        """
        if self.outputs is None:
            raise ValueError("this problem has a single output: it is that of its output.")
        if name not in self.outputs:
            names = ", ".join(map(shown, self.outputs[:10]))
            raise ValueError(f"there is no output {shown(name)}: the outputs are {names}.")
        index = self.outputs.index(name)
        if index not in self._known_outputs:
            self._known_outputs[index] = self._of_output(index)
        return self._known_outputs[index]


def in_words(outputs: tuple[Name, ...] | None) -> str:
    """How many there are; nothing of a single one."""
    return "" if outputs is None else f"{len(outputs)} outputs"


def as_record(outputs: tuple[Name, ...] | None) -> dict[str, Any]:
    """What the description of a problem says of them."""
    return {} if outputs is None else {"outputs": list(outputs)}


def any_output(problem: Any) -> Any:
    """A problem with a single output, for what depends on rows alone."""
    outputs = getattr(problem, "outputs", None)
    return problem if outputs is None else problem.output(outputs[0])


def targets(name: str, value: Any, length: int) -> Array:
    """Targets of so many rows, shape (length,) or, of several outputs, (length, k).

    Raises
    ------
    TypeError, ValueError
        For another shape, or entries that are not finite numbers.
    """
    given = plain_array(name, value)
    if given.ndim != 2 or given.shape[1] == 1:
        return vector(name, value, length)
    found = real_array(name, value, 2)
    if len(found) != length:
        raise ValueError(
            f"{name} has {len(found)} rows where {length} are needed: pass a row of outputs for "
            "each row of the data."
        )
    return found


def names(given: Iterable[Name] | None, value: Any, kept: Array) -> tuple[Name, ...] | None:
    """What the columns of targets are called: as was given, as they say, or 0, 1, ….

    Raises
    ------
    TypeError, ValueError
        If there are not as many names as columns, or not all different.
    """
    if kept.ndim == 1:
        if given is not None:
            raise ValueError("outputs are names of the columns of targets, but these have none.")
        return None
    count = kept.shape[1]
    if given is None:
        given = column_names(value) or range(count)
    found = tuple(one.item() if isinstance(one, np.generic) else one for one in given)
    if not all(isinstance(one, str | int) for one in found):
        raise TypeError(f"outputs are {shown(found)}: call them by words or integers.")
    if len(set(found)) != count or len(found) != count:
        raise ValueError(f"outputs are {shown(found)}: pass {count} names, all different.")
    if len({type(one) for one in found}) > 1:
        found = tuple(map(str, found))
    return found


def start(value: Any, dimension: int, outputs: tuple[Name, ...] | None) -> Array:
    """Where algorithms start: shape (d,), the same for all outputs, or (d, k)."""
    if value is None:
        return vector("x0", np.zeros(dimension), dimension)
    if outputs is None or plain_array("x0", value).ndim < 2:
        return vector("x0", value, dimension)
    return of_shape("x0", value, (dimension, len(outputs)))


def of_shape(name: str, value: Any, shape: tuple[int, int], *, span: float = SPAN) -> Array:
    """An array of parameters times outputs.

    Raises
    ------
    TypeError, ValueError
        If it has another shape.
    """
    found = real_array(name, value, 2, span=span)
    if found.shape != shape:
        raise ValueError(
            f"{name} has shape {found.shape}: pass {shape[0]} rows, one for each parameter, and "
            f"{shape[1]} columns, one for each output."
        )
    return found


def column(values: Any, index: int) -> Any:
    """What one output has of values that all share, or that have a last axis of outputs."""
    return values[..., index] if np.ndim(values) else values


def of_parameters(values: Array, index: int) -> Array:
    """What one output has of parameters, shape (d,), that all share, or (d, k)."""
    return values if values.ndim == 1 else np.ascontiguousarray(values[:, index])
