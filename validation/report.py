"""The report: one HTML page that holds all it shows, needs no network and no JavaScript.

The verdict table comes first, then a card per case: the figure (inline SVG whose colours follow
the reader's light or dark scheme), every verdict, numbers, parameters, versions, and the command
that repeats it. The page is `report.html.jinja`, whose engine escapes all that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsgd import dataset
from hsgd.plotting import style
from validation import figures
from validation.cases.base import Check, Number
from validation.folders import Result

REPORT = "report.html"
LONG = 5
"""A list with more entries than this is folded, unless one of them is not as expected."""


def write(results: Sequence[Result], home: Path) -> Path:
    """Draw every figure, from the datasets, and write the page; give its path.

    Raises
    ------
    ImportError
        If Jinja2 is not installed.
    """
    path = home / REPORT
    dataset.write_atomically(path, page(results).encode())
    return path


def page(results: Sequence[Result]) -> str:
    """The page as text."""
    import jinja2
    from markupsafe import Markup

    here = Path(__file__).parent
    # What a template names and nobody gives must not become an empty place on the page.
    engine = jinja2.Environment(
        loader=jinja2.FileSystemLoader(here), autoescape=True, undefined=jinja2.StrictUndefined
    )
    cards = [Card.of(result, Markup(_drawing(result))) for result in results]
    controls = [check for card in cards for check in card.controls]
    return engine.get_template("report.html.jinja").render(
        cards=cards,
        long=LONG,
        style=Markup((here / "report.css").read_text(encoding="utf-8")),
        passed=sum(card.passed for card in cards),
        rejected=sum(check.passed for check in controls),
        controls=len(controls),
        version=results[0].record.attrs["hsgd_version"],
        newest=max(str(result.record.attrs["created_at"]) for result in results)[:10],
    )


@dataclass(frozen=True)
class Card:
    """One case as the page shows it."""

    name: str
    question: str
    right: str
    wrong: str
    passed: bool
    seconds: float
    drawing: Any
    """Markup that is not escaped."""
    statements: tuple[Check, ...]
    controls: tuple[Check, ...]
    numbers: tuple[Number, ...]
    facts: tuple[tuple[str, str], ...]
    command: str

    @classmethod
    def of(cls, result: Result, drawing: Any) -> Card:
        """From the result of a case."""
        case, outcome = result.case, result.outcome
        return cls(
            name=case.name,
            question=case.question,
            right=case.right,
            wrong=case.wrong,
            passed=outcome.passed,
            seconds=result.seconds,
            drawing=drawing,
            statements=tuple(check for check in outcome.checks if not check.control),
            controls=tuple(check for check in outcome.checks if check.control),
            numbers=tuple(outcome.numbers),
            facts=_facts(result),
            command=str(result.record.attrs["command"]),
        )


def _drawing(result: Result) -> str:
    with style():
        figure = result.case.draw(result.outcome.datasets)
        if result.folder is not None:
            figures.save(figure, result.folder / f"{result.case.name}.png")
        return figures.svg(figure, result.case.name)


def _facts(result: Result) -> tuple[tuple[str, str], ...]:
    attrs = result.record.attrs
    size = ", ".join(f"{key} = {value}" for key, value in json.loads(attrs["size"]).items())
    versions = ", ".join(f"{key} {value}" for key, value in json.loads(attrs["versions"]).items())
    return (
        ("size", f"{attrs['size_name']}: {size}"),
        ("seed", str(attrs["seed"])),
        ("made", f"{attrs['created_at']}, in {result.seconds:.1f} s"),
        ("versions", versions),
        ("files", ", ".join(f"{name}.nc" for name in json.loads(attrs["datasets"]))),
    )
