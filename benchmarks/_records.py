"""What a benchmark gives, and what is kept of it: named figures, in records of JSON.

A benchmark is a generator `measure(**options)` of figures. As a script it takes its options from
the command line, prints every figure as soon as it is there, and writes all of them with
`--json FILE`.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATIOS = ("", "%", "×")
"""Units without a dimension: such figures mean the same on every machine, all others do not."""


@dataclass(frozen=True)
class Figure:
    """One number, under the name "row / column" (of the table that it belongs to)."""

    name: str
    value: float
    unit: str
    """One of `RATIOS`, or a unit of time, speed or memory."""
    better: str = "lower"
    """Or "higher"; "" where neither is."""
    low: float | None = None
    """Range of the repetitions; equal to the value where repeating changes nothing (seeds are
    fixed), None where the figure was measured once and its spread is unknown."""
    high: float | None = None
    repetitions: int = 1
    note: str = ""
    """What is to be said beside the number."""

    @property
    def is_ratio(self) -> bool:
        """Whether it can be held against a record of another machine."""
        return self.unit in RATIOS

    def __str__(self) -> str:
        if self.unit == "%" and self.value > 1000:
            return ">1000%"  # beyond that the size of an error means nothing
        number = digits(self.value)
        patterns = {"": "{}", "%": "{}%", "×": "× {}"}
        shown = patterns.get(self.unit, f"{{}} {self.unit}").format(number)
        return f"{shown} {self.note}".rstrip()


def digits(value: float) -> str:
    """Three significant digits, and no power of ten for sizes that one can read without."""
    if value == 0 or 1e-3 <= abs(value) < 1e3:
        return f"{value:.3g}"
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e5 else f"{value:.1e}"


def median(
    name: str, samples: Iterable[float], unit: str, better: str = "lower", note: str = ""
) -> Figure:
    """The median of repetitions, with their range."""
    ordered = sorted(float(sample) for sample in samples)
    half = len(ordered) // 2
    middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return Figure(name, middle, unit, better, ordered[0], ordered[-1], len(ordered), note)


def fixed(name: str, value: float, unit: str, better: str = "lower", note: str = "") -> Figure:
    """A figure that repeating does not change: an error, or a count, at fixed seeds."""
    return Figure(name, float(value), unit, better, float(value), float(value), 1, note)


def interleaved(
    table: dict[str, Callable[[], Any]], rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Seconds of each contestant in every round; all run in turn, so that noise slows all alike."""
    taken: dict[str, list[float]] = {name: [] for name in table}
    for number in range(rounds + warm_up):  # the first one compiles
        for name, work in table.items():
            began = time.perf_counter()
            work()
            if number >= warm_up:
                taken[name].append(time.perf_counter() - began)
    return taken


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Round by round: what slowed a round slowed both."""
    return [a / b for a, b in zip(over, under, strict=True)]


# ------------------------------------------------------------------------------------ as JSON


def as_json(figure: Figure) -> dict[str, Any]:
    """Six digits of every number, and nothing that has its default."""
    entry: dict[str, Any] = {"name": figure.name, "value": figure.value, "unit": figure.unit}
    entry |= {"ratio": figure.is_ratio, "better": figure.better}
    if figure.low is not None and figure.high is not None:
        entry |= {"low": figure.low, "high": figure.high, "repetitions": figure.repetitions}
    if figure.note:
        entry["note"] = figure.note
    return {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in entry.items()}


def from_json(entry: dict[str, Any]) -> Figure:
    """The figure; that it is a ratio is said by its unit."""
    return Figure(**{key: value for key, value in entry.items() if key != "ratio"})


def write(record: dict[str, Any], path: Path) -> None:
    """One line for every figure, so that a difference between records can be read."""
    head = {key: value for key, value in record.items() if key != "benchmarks"}
    blocks = []
    for name, entry in record["benchmarks"].items():
        said = {key: value for key, value in entry.items() if key != "figures"}
        lines = ",\n   ".join(_line(figure) for figure in entry["figures"])
        head_line = f"   {_line(said)[1:-1]},\n" if said else ""
        blocks.append(f'  "{name}": {{\n{head_line}   "figures": [\n   {lines}]}}')
    blocks_text = ",\n".join(blocks)
    start = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{start},\n "benchmarks": {{\n{blocks_text}\n }}\n}}\n', encoding="utf-8")


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, allow_nan=False)


def read(path: Path) -> dict[str, Any]:
    """A record."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def figures(record: dict[str, Any], benchmark: str) -> dict[str, Figure]:
    """Name → figure of one benchmark."""
    entries = record["benchmarks"][benchmark]["figures"]
    return {entry["name"]: from_json(entry) for entry in entries}


# ----------------------------------------------------------------------------------- a script


def _options(measure: Callable[..., Iterable[Figure]]) -> dict[str, Any]:
    """What the command line asks for: a parameter of `measure` is an option of that name."""
    parser = argparse.ArgumentParser(description=inspect.getmodule(measure).__doc__.splitlines()[0])
    for name, parameter in inspect.signature(measure).parameters.items():
        default = parameter.default
        if isinstance(default, tuple):  # its parts, all of them unless some are named
            known = ", ".join(default)
            parser.add_argument(name, nargs="*", metavar="PART", default=default, help=known)
        elif isinstance(default, bool):
            parser.add_argument(f"--{name}", action="store_true")
        else:
            parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    return vars(parser.parse_args())


def main(measure: Callable[..., Iterable[Figure]]) -> None:
    """Run a benchmark as a script."""
    options = _options(measure)
    target = options.pop("json")
    began, found = time.perf_counter(), []
    for figure in measure(**options):
        if not math.isfinite(figure.value):
            raise ValueError(f"{figure.name} is {figure.value}: give what was reached, and a note.")
        print(f"{figure.name:<64} {figure}", flush=True)
        found.append(as_json(figure))
    if target:
        seconds = round(time.perf_counter() - began, 1)
        target.write_text(json.dumps({"options": options, "seconds": seconds, "figures": found}))
