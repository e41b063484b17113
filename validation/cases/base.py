"""What a case is, and how to write the next one.

A case is one file in this folder and one entry in the table of `validation/cases/__init__.py`;
tests, command line, report and docs read that table. The file defines `CASE`, a `Case` with

- `run`, which builds a problem from `size` (a mapping of integers; data come from a fixed seed of
  their own), asks theory and simulation for the same times, and returns an `Outcome`: checks,
  numbers, and datasets to keep. Beside the statements stand negative *controls*: the same runs
  against something that is wrong on purpose, which must be rejected (`control=True`);
  `validation.cases.confront` has the common ones;
- `draw`, which makes one figure from those datasets alone, so that it can be drawn again without
  running anything. Its right and its wrong reading (`right`, `wrong`) must be obvious.

`run` writes nothing: `validation.folders` keeps what it returns. It says what it does through
`say`, one line a step. The case passes if each verdict is what was `expected`: a statement, too,
can be expected to be rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from validation.verdict import percent

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Size = Mapping[str, int]
Datasets = Mapping[str, "xr.Dataset"]
Say = Callable[[str], None]
"""Receives one line at a time."""


@dataclass(frozen=True)
class Check:
    """One verdict of a case, and whether it is the expected one."""

    label: str
    verdict: str
    agrees: bool
    expected: bool = True
    control: bool = False
    """Wrong on purpose, so that a test which accepts it is seen to test nothing."""

    def __post_init__(self) -> None:
        if self.control:
            object.__setattr__(self, "expected", False)

    @property
    def passed(self) -> bool:
        """True if the verdict is the expected one."""
        return self.agrees == self.expected

    @classmethod
    def of(cls, label: str, comparison: xr.Dataset, **kind: bool) -> Check:
        """The verdict of `validation.compare`; `kind` is `expected` or `control`."""
        agrees = bool(comparison.attrs["agrees"])
        check = cls(label, comparison.attrs["verdict"], agrees, **kind)
        # Undecided is never what was expected, neither of a statement nor of a control.
        # What is rejected somewhere is rejected, whatever cannot be told elsewhere.
        told = comparison.attrs["decided"] or not agrees
        return check if told else replace(check, agrees=not check.expected)

    @classmethod
    def within(cls, label: str, number: Number, low: float, high: float, **kind: bool) -> Check:
        """Whether a measured number is where it should be."""
        agrees = low <= number.value <= high
        verdict = (
            f"{'agrees' if agrees else 'REJECTED'}: {number}, and it should lie between "
            f"{low:.4g} and {high:.4g}."
        )
        return cls(label, verdict, agrees, **kind)

    @classmethod
    def close(cls, label: str, error: float, allowed: float, what: str, **kind: bool) -> Check:
        """Whether a relative error is as small as it should be."""
        agrees = abs(error) <= allowed
        verdict = (
            f"{'agrees' if agrees else 'REJECTED'}: {what} differ by {_size(error)}, of "
            f"{_size(allowed)} that they may."
        )
        return cls(label, verdict, agrees, **kind)


def _size(error: float) -> str:
    return percent(error) if abs(error) >= 1e-4 else f"{abs(error):.1g} (relative)"


@dataclass(frozen=True)
class Number:
    """A measured figure with its standard error; 0 if nothing about it is random."""

    name: str
    value: float
    standard_error: float = 0.0

    def __str__(self) -> str:
        spread = f" ± {self.standard_error:.2g}" if self.standard_error > 0 else ""
        return f"{self.name} is {self.value:.4g}{spread}"


@dataclass(frozen=True)
class Outcome:
    """What a case found, and what of it is kept."""

    checks: tuple[Check, ...]
    datasets: Datasets = field(default_factory=dict)
    """Name → dataset; each becomes NAME.nc."""
    numbers: tuple[Number, ...] = ()

    @property
    def passed(self) -> bool:
        """True if every verdict is the expected one."""
        return all(check.passed for check in self.checks)


class Run(Protocol):
    """The function that does the work of a case."""

    def __call__(self, size: Size, *, seed: int, say: Say) -> Outcome:
        """Run at `size`."""


@dataclass(frozen=True)
class Case:
    """A named experiment with a stated question."""

    name: str
    question: str
    right: str
    """What the figure shows if the package is right."""
    wrong: str
    """What it would show if it were wrong."""
    sizes: Mapping[str, Size]
    """`small` for continuous integration and `full`; each has `replicates`."""
    run: Run
    draw: Callable[[Datasets], Figure]
    """The figure, from the datasets of the outcome."""
    needs: tuple[str, ...] = ()
    """Modules, besides matplotlib, that may not be installed; the extra `validation` has all."""
