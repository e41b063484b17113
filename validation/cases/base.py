"""What a case is, and how to write the next one.

A case is one file in this folder and one entry in the table of `validation/cases/__init__.py`;
tests, command line and docs read that table. The file defines `CASE`, a `Case` whose `run`

1. builds a problem from `size` (a dict of integers; make the arrays with a fixed seed),
2. asks `hsgd.predict` and `simulate.sgd` for the same times, and `validation.compare` for verdicts,
3. shows that the test can fail: a theory that is wrong on purpose must be rejected (a *control*),
4. writes its datasets and one figure with `outputs`, whose right and wrong reading is obvious,
5. says what it does through `say`, one line a step, and returns an `Outcome`.

Give every check an `expected`: the case passes if each verdict is what was expected, and a
rejection can be what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Say = Callable[[str], None]
"""Receives one line at a time."""


@dataclass(frozen=True)
class Check:
    """One comparison of a case: its label, the verdict, and whether it is the expected one."""

    label: str
    verdict: str
    agrees: bool
    expected: bool = True

    @property
    def passed(self) -> bool:
        """True if the verdict is the expected one."""
        return self.agrees == self.expected


@dataclass(frozen=True)
class Outcome:
    """What a case found."""

    checks: tuple[Check, ...]
    files: tuple[Path, ...] = ()

    @property
    def passed(self) -> bool:
        """True if every verdict is the expected one."""
        return all(check.passed for check in self.checks)


class Run(Protocol):
    """The function that does the work of a case."""

    def __call__(
        self, size: Mapping[str, int], *, seed: int, out: Path | None, say: Say
    ) -> Outcome:
        """Run at `size`; write to the existing folder `out` unless it is None."""


@dataclass(frozen=True)
class Case:
    """A named experiment with a stated question."""

    name: str
    question: str
    right: str
    """What the figure shows if the package is right."""
    wrong: str
    """What it would show if it were wrong."""
    sizes: Mapping[str, Mapping[str, int]]
    """`small` for continuous integration and `full`; each has `replicates`."""
    needs: tuple[str, ...]
    """Modules that may not be installed; the extra `validation` has them all."""
    files: tuple[str, ...]
    """What `run` writes, so that the place can be checked before any work."""
    run: Run
