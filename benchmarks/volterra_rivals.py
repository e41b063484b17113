"""`volterra.solve` against other solvers in one interleaved run: time to an accuracy.

Rivals: `voles` (optional: `pip install voles`), SciPy's `solve_ivp` on the state-space form,
LAPACK's eigenvectors, the trapezoid rule and Picard's iteration with FFT. Each gets its best
settings and, for the table, the least effort that reaches the target; a table of kernel values is
timed apart.

    python benchmarks/volterra_rivals.py [--rounds 3] [--figure docs/work_precision.png]
"""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import _rivals as rivals
import numpy as np
from _records import Figure, fixed, main, median, ratios

_GIVE_UP = 20.0  # seconds for one solve


@dataclass
class Entry:
    """One solver on one problem: its efforts, and what was measured at each."""

    name: str
    solve: Callable[..., np.ndarray]
    efforts: range
    table: bool = False
    seconds: dict[int, list[float]] = field(default_factory=dict)
    table_seconds: dict[int, list[float]] = field(default_factory=dict)
    errors: dict[int, float] = field(default_factory=dict)

    def run(self, problem: rivals.Problem, effort: int) -> None:
        """Measure once."""
        extra: tuple[object, ...] = ()
        if self.table:
            spent, values = rivals.timed(lambda: rivals.table(problem, effort))
            self.table_seconds.setdefault(effort, []).append(spent)
            extra = (values,)
        spent, answer = rivals.timed(lambda: self.solve(problem, effort, *extra))
        self.seconds.setdefault(effort, []).append(spent)
        self.errors[effort] = problem.error(answer)

    def median(self, effort: int) -> tuple[float, float]:
        """Seconds of the solve, and with its table."""
        own = statistics.median(self.seconds[effort])
        return own, own + statistics.median(self.before(effort))

    def before(self, effort: int) -> list[float]:
        """Seconds of its table, round by round."""
        return self.table_seconds.get(effort, [0.0] * len(self.seconds[effort]))

    def least(self, target: float) -> int | None:
        """The cheapest effort that reaches the target."""
        enough = [e for e, error in self.errors.items() if error <= target]
        return min(enough, key=lambda e: self.median(e)[1]) if enough else None


def entries(uniform: bool) -> list[Entry]:
    """The field; rules on uniform grids only where the times are uniform."""
    field_ = [
        Entry("volterra, auto", rivals.ours("auto"), range(1, 11)),
        Entry("volterra, exact", rivals.ours("exact"), range(10, 11)),
        Entry("volterra, collocation", rivals.ours("collocation"), range(1, 11)),
        Entry("SciPy DOP853", rivals.solve_ivp("DOP853"), range(1, 12)),
        Entry("SciPy LSODA", rivals.solve_ivp("LSODA"), range(1, 11)),
        Entry("LAPACK eigenvectors", rivals.dense_eigenvectors, range(1, 2)),
    ]
    with_voles = importlib.util.find_spec("voles") is not None
    if not with_voles:
        print("# voles is not installed: its lines are left out")
    if uniform:
        if with_voles:
            field_.append(Entry("voles, table", rivals.voles_table, range(0, 9), table=True))
        field_.append(Entry("trapezoid", rivals.trapezoid, range(0, 6), table=True))
        field_.append(Entry("Picard with FFT", rivals.picard, range(0, 9), table=True))
    elif with_voles:
        field_.append(Entry("voles, callable", rivals.voles_callable, range(1, 6)))
    return field_


def race(problem: rivals.Problem, uniform: bool, rounds: int) -> list[Entry]:
    """Every solver at every effort, round by round; one that takes too long goes no further."""
    runners = entries(uniform)
    for runner in runners:
        runner.run(problem, runner.efforts[0])  # compile and warm up
        runner.seconds.clear()
        runner.table_seconds.clear()
    for _ in range(rounds):
        for runner in runners:
            for effort in runner.efforts:
                runner.run(problem, effort)
                if runner.seconds[effort][-1] > _GIVE_UP / 10:
                    break
    return runners


def report(label: str, runners: list[Entry], target: float) -> Iterator[Figure]:
    """Time to the target, and as a multiple of ours."""
    ours = next(r for r in runners if r.name == "volterra, auto")
    effort = ours.least(target)
    own = ours.seconds[effort] if effort is not None else []

    def over(seconds: list[float]) -> list[float]:
        return ratios(seconds, own[: len(seconds)])  # what took too long was not run in every round

    for runner in runners:
        name, best = runner.name.removesuffix(", table"), runner.least(target)
        if best is None:
            smallest = min(runner.errors.values())
            yield fixed(f"{name} / {label}", smallest, "", note="at best")
            continue
        alone = runner.seconds[best]
        if runner is ours:
            yield median(f"{name} / {label}", [1e3 * one for one in alone], "ms")
            continue
        better = "higher"  # a rival's time over ours
        if runner.table:
            yield median(f"{name}, solve alone / {label}", over(alone), "×", better)
        whole = [a + b for a, b in zip(alone, runner.before(best), strict=True)]
        suffix = ", with its table" if runner.table else ""
        yield median(f"{name}{suffix} / {label}", over(whole), "×", better)


def draw(path: str, races: list[tuple[rivals.Problem, list[Entry]]]) -> None:
    """Work against precision, a panel for each problem."""
    import matplotlib.pyplot as plt

    canvas, axes = plt.subplots(1, len(races), figsize=(6.2 * len(races), 4.6), squeeze=False)
    styles = {
        "volterra, auto": ("#0072B2", "o", 2.4),
        "volterra, exact": ("#56B4E9", "s", 2.4),
        "volterra, collocation": ("#009E73", "^", 2.0),
        "SciPy DOP853": ("#D55E00", "v", 1.2),
        "SciPy LSODA": ("#E69F00", "D", 1.2),
        "LAPACK eigenvectors": ("#000000", "*", 1.2),
        "voles, table": ("#CC79A7", "P", 1.2),
        "voles, callable": ("#CC79A7", "X", 1.2),
        "trapezoid": ("#777777", "<", 1.2),
        "Picard with FFT": ("#AAAAAA", ">", 1.2),
    }
    for axis, (problem, runners) in zip(axes[0], races, strict=True):
        for runner in runners:
            colour, marker, width = styles[runner.name]
            order = sorted(runner.errors)
            label = runner.name + (" (with its values of k and f)" if runner.table else "")
            axis.loglog(
                [max(runner.errors[e], 1e-16) for e in order],
                [runner.median(e)[1] for e in order],
                color=colour,
                marker=marker,
                lw=width,
                ms=5 if marker != "*" else 9,
                label=label,
            )
        axis.invert_xaxis()
        axis.set_title(problem.name, fontsize=9)
        axis.set_xlabel("largest relative error (more accurate to the right)")
        axis.set_ylabel("seconds (lower is better)")
        axis.grid(alpha=0.3)
    handles = {
        label: line
        for axis in axes[0]
        for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    canvas.tight_layout(rect=(0, 0.14, 1, 1))
    canvas.legend(handles.values(), handles.keys(), loc="lower center", ncols=4, fontsize=8)
    canvas.savefig(path, dpi=130)


def measure(rounds: int = 3, figure: str = "") -> Iterator[Figure]:
    """Three races; the work-precision diagram, if a file is named for it."""
    half, near = rivals.marchenko_pastur(0.5), rivals.marchenko_pastur(0.99)
    table = {
        "half of critical": (half, True, 1e-9),
        "0.99 of critical": (near, True, 1e-9),
        "power law": (rivals.power_law(1e5), False, 1e-8),
    }
    races = []
    for label, (problem, uniform, target) in table.items():
        runners = race(problem, uniform, rounds)
        yield from report(label, runners, target)
        races.append((problem, runners))
    if figure:
        draw(figure, [races[0], races[2]])


if __name__ == "__main__":
    main(measure)
