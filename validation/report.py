"""The report: one HTML page that holds all it shows, needs no network and no JavaScript.

The verdict table comes first, then a card per case: the figure (inline SVG whose colours follow
the reader's light or dark scheme), every verdict, numbers, parameters, versions, and the command
that repeats it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from hsgd import dataset
from hsgd.plotting import style
from validation import figures
from validation.cases.base import Check, Number, Outcome
from validation.folders import Result

REPORT = "report.html"
LONG = 5
"""A list with more entries than this is folded, unless one of them is not as expected."""


def write(results: Sequence[Result], home: Path) -> Path:
    """Draw every figure, from the datasets, and write the page; give its path."""
    cards = [_card(result) for result in results]
    page = _PAGE.format(
        style=Path(__file__).with_name("report.css").read_text(encoding="utf-8"),
        summary=_summary(results),
        rows="\n".join(_row(result) for result in results),
        cards="\n".join(cards),
    )
    path = home / REPORT
    dataset.write_atomically(path, page.encode())
    return path


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>hsgd: validation report</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>Does homogenized SGD say what SGD does?</h1>
{summary}
</header>
<main>
<div class="scroll"><table>
<thead><tr><th>case</th><th>question</th><th>result</th><th class="number">verdicts</th>
<th class="number">controls</th><th class="number">time</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
{cards}
</main>
</body>
</html>
"""


def _summary(results: Sequence[Result]) -> str:
    passed = sum(result.outcome.passed for result in results)
    controls = [check for result in results for check in _controls(result.outcome)]
    rejected = sum(check.passed for check in controls)
    mark = "good" if passed == len(results) else "bad"
    newest = max(result.record.attrs["created_at"] for result in results)
    return (
        f'<p><span class="{mark}">{passed} of {len(results)} cases are as expected</span>; '
        f"{rejected} of {len(controls)} negative controls (wrong on purpose) are rejected.</p>\n"
        f'<p class="soft">hsgd {escape(results[0].record.attrs["hsgd_version"])}, {newest[:10]}. '
        "A verdict counts as expected if it is what the case says beforehand: most comparisons "
        "must agree, a few must be rejected. In the figures lines are theory and dots are what SGD "
        "did.</p>"
    )


def _row(result: Result) -> str:
    outcome, name = result.outcome, escape(result.case.name)
    word = '<span class="good">✓ as expected</span>'
    if not outcome.passed:
        word = '<span class="bad">✗ not as expected</span>'
    return (
        f'<tr><td class="word"><a href="#{name}">{name}</a></td>'
        f"<td>{escape(result.case.question)}</td>"
        f'<td class="word">{word}</td>{_tally(_statements(outcome))}{_tally(_controls(outcome))}'
        f'<td class="number">{result.seconds:.0f} s</td></tr>'
    )


def _controls(outcome: Outcome) -> list[Check]:
    return [check for check in outcome.checks if check.control]


def _statements(outcome: Outcome) -> list[Check]:
    return [check for check in outcome.checks if not check.control]


def _tally(checks: Sequence[Check]) -> str:
    return f'<td class="number">{sum(check.passed for check in checks)}/{len(checks)}</td>'


def _card(result: Result) -> str:
    case, outcome = result.case, result.outcome
    with style():
        figure = case.draw(outcome.datasets)
        if result.folder is not None:
            figures.save(figure, result.folder / f"{case.name}.png")
        drawing = figures.svg(figure, case.name)
    return "\n".join(
        [
            f'<article id="{escape(case.name)}">',
            f"<h2>{escape(case.name)}</h2>",
            f"<p>{escape(case.question)}</p>",
            f'<div class="scroll">{drawing}</div>',
            f"<p><strong>Right:</strong> {escape(case.right)}.</p>",
            f"<p><strong>Wrong:</strong> {escape(case.wrong)}.</p>",
            _verdicts(outcome),
            _numbers(outcome),
            _origin(result),
            "</article>",
        ]
    )


def _verdicts(outcome: Outcome) -> str:
    return _table("Verdicts", _statements(outcome)) + _table(
        "Negative controls: wrong on purpose, so a rejection is right", _controls(outcome)
    )


def _table(heading: str, checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    rows = "\n".join(
        f'<tr><td class="word">{_mark(check)}</td>'
        f'<td class="label">{escape(check.label)}</td><td>{escape(check.verdict)}</td></tr>'
        for check in checks
    )
    wrong = sum(not check.passed for check in checks)
    opened = " open" if wrong or len(checks) <= LONG else ""
    words = f"{len(checks) - wrong} of {len(checks)} as expected"
    return (
        f'<details{opened}><summary>{heading} <span class="soft">({words})</span></summary>\n'
        f'<div class="scroll"><table>\n{rows}\n</table></div></details>\n'
    )


def _mark(check: Check) -> str:
    """✓ or ✗; with the word, where a rejection is what is right."""
    word = "" if check.expected else " accepted" if check.agrees else " rejected"
    mark, colour = ("✓", "good") if check.passed else ("✗", "bad")
    return f'<span class="{colour}">{mark}{word}</span>'


def _numbers(outcome: Outcome) -> str:
    if not outcome.numbers:
        return ""
    rows = "\n".join(_measured(number) for number in outcome.numbers)
    return f'<h3>Numbers</h3>\n<div class="scroll"><table>\n{rows}\n</table></div>'


def _measured(number: Number) -> str:
    spread = f"± {number.standard_error:.2g}" if number.standard_error > 0 else ""
    return (
        f'<tr><td>{escape(number.name)}</td><td class="number">{number.value:.5g}</td>'
        f'<td class="number">{spread}</td></tr>'
    )


def _origin(result: Result) -> str:
    attrs = result.record.attrs
    size = ", ".join(f"{key} = {value}" for key, value in json.loads(attrs["size"]).items())
    versions = ", ".join(f"{key} {value}" for key, value in json.loads(attrs["versions"]).items())
    facts = [
        ("size", f"{attrs['size_name']}: {size}"),
        ("seed", attrs["seed"]),
        ("made", f"{attrs['created_at']}, in {result.seconds:.1f} s"),
        ("versions", versions),
        ("files", ", ".join(f"{name}.nc" for name in json.loads(attrs["datasets"]))),
    ]
    return (
        "<h3>How it was made</h3>\n<dl>"
        + "".join(_fact(key, escape(value)) for key, value in facts)
        + _fact("repeat", f"<code>{escape(attrs['command'])}</code>")
        + "</dl>"
    )


def _fact(key: str, value: str) -> str:
    return f"<dt>{key}</dt><dd>{value}</dd>"
