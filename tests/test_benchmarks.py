"""Benchmarks are not run here, but what is made of them is: records, comparisons, the page."""

import ast
import re
import shutil
from pathlib import Path

import pytest

from benchmarks import __main__, _compare, _page, _records, _running
from benchmarks._records import Figure, fixed, median

SCRIPTS = [_running.HERE / f"{name}.py" for name in _running.available()]


def record(*figures, name="race", date="2026-01-01", cpu="one"):
    """A record of one benchmark."""
    return {
        "date": date,
        "machine": {"cpu": cpu, "cores": 2, "system": "Linux"},
        "packages": {"python": "3.11"},
        "revision": "abc",
        "benchmarks": {name: {"figures": [_records.as_json(figure) for figure in figures]}},
    }


@pytest.fixture
def old():
    return record(
        median("ours / time", [1.0, 1.1, 1.3], "s"),
        median("ours / speed", [4.0, 5.0, 4.5], "×", "higher"),
        fixed("ours / error", 1e-3, ""),
        Figure("ours / start", 2.0, "s"),
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_benchmark_is_a_generator_of_figures_and_a_script(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert ast.unparse(functions["measure"].returns) == "Iterator[Figure]"
    assert ast.unparse(tree.body[-1]) == "if __name__ == '__main__':\n    main(measure)"


def test_a_record_comes_back_as_it_was(old, tmp_path):
    _records.write(old, tmp_path / "folder" / "a.json")
    assert _records.read(tmp_path / "folder" / "a.json") == old
    found = _records.figures(old, "race")["ours / time"]
    assert found == Figure("ours / time", 1.1, "s", "lower", 1.0, 1.3, 3)
    assert not found.is_ratio
    assert _records.figures(old, "race")["ours / speed"].is_ratio


@pytest.mark.parametrize(
    ("samples", "unit", "better", "mark"),
    [
        ([1.2, 1.4, 1.5], "s", "lower", ""),
        ([1.31, 1.4, 1.5], "s", "lower", "worse"),
        ([0.7, 0.8, 0.9], "s", "lower", "better"),
        ([0.7, 0.8, 0.9], "s", "higher", "worse"),
        ([0.7, 0.8, 0.9], "s", "", "changed"),
    ],
    ids=["within the noise", "beyond", "below", "lower is worse", "neither"],
)
def test_only_a_change_beyond_the_noise_is_marked(samples, unit, better, mark):
    before = median("a", [1.0, 1.1, 1.3], unit, better)
    assert _compare.mark(before, median("a", samples, unit, better)) == mark


def test_what_was_measured_once_is_not_judged_nor_seconds_of_another_machine():
    one, other = median("a", [1.0], "s"), median("a", [9.0], "s")
    assert _compare.mark(one, other) == "worse"
    assert _compare.mark(one, other, same_machine=False) == "?"
    assert _compare.mark(Figure("a", 1.0, "s"), other) == "?"
    ratio = fixed("a", 1.0, "×"), fixed("a", 9.0, "×")
    assert _compare.mark(*ratio, same_machine=False) == "worse"


def test_the_comparison_prints_ratios_and_marks(old, tmp_path, capsys):
    new = record(
        median("ours / time", [2.2, 2.2, 2.3], "s"),
        median("ours / speed", [4.1, 4.4, 5.5], "×", "higher"),
        fixed("ours / new", 1.0, ""),
    )
    for name, one in (("old", old), ("new", new)):
        _records.write(one, tmp_path / name)
    assert __main__.main(["compare", str(tmp_path / "old"), str(tmp_path / "new")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    printed = {line.split("  ")[1]: line for line in lines}
    assert printed["ours / time"].split()[-2:] == ["2.00", "worse"]
    assert printed["ours / speed"].endswith("0.98")
    assert "not in both" in printed["ours / new"]
    assert "not in both" in printed["ours / error"]


def test_the_page_takes_the_newest_figures_and_marks_older_ones(old):
    new = record(median("ours / time", [2.2], "s"), date="2026-02-02")
    text = "{{measured race}}\n{{table race *}}\n{{race: ours / error}} {{table race */ time}}"
    made = _page.page(text, [old, new]).removeprefix(_page.NOTE)
    assert made.splitlines() == [
        "Measured on 2026-02-02; † on 2026-01-01.",
        "| | time | speed | error | start |",
        "| --- | --- | --- | --- | --- |",
        "| ours | 2.2 s | × 4.5 † | 0.001 † | 2 s † |",
        "0.001 † | | time |",
        "| --- | --- |",
        "| ours | 2.2 s |",
    ]


@pytest.mark.parametrize(
    "asked", ["{{race: theirs / time}}", "{{table race x*}}", "{{measured x}}"]
)
def test_the_page_has_no_figure_that_is_in_no_record(asked, old):
    with pytest.raises(KeyError):
        _page.page(asked, [old])


def committed():
    return _page.page(_page.TEMPLATE.read_text(encoding="utf-8"), _page.records())


def test_the_committed_page_is_made_from_the_committed_records():
    assert _page.PAGE.read_text(encoding="utf-8") == committed(), "python -m benchmarks page"


def test_another_figure_would_be_another_page(monkeypatch):
    kept = _page.records()

    def changed():
        found = [dict(one) for one in kept]
        for one in found:
            one["benchmarks"] = {
                name: {**entry, "figures": [{**f, "value": 77.7} for f in entry["figures"]]}
                for name, entry in one["benchmarks"].items()
            }
        return found

    monkeypatch.setattr(_page, "records", changed)
    assert _page.PAGE.read_text(encoding="utf-8") != committed()


def test_every_measured_figure_of_the_template_is_a_place():
    """A number with a unit of time, or a factor, stands there in no other way."""
    text = _page.PLACE.sub("", _page.TEMPLATE.read_text(encoding="utf-8"))
    assert re.findall(r"× ?\d[\d.]*|\d[\d.]* ?(?:ns|ms|s)\b", text) == []
    assert re.findall(r"× ?\d[\d.]*|\d[\d.]* ?(?:ns|ms|s)\b", "it takes 2.5 ms, × 3") != []


def test_running_keeps_what_is_measured_and_tells_what_failed(tmp_path):
    shutil.copy(Path(_records.__file__), tmp_path)
    head = "from _records import fixed, main\n\n\ndef measure(count: int = 2):\n"
    tail = "\n\nmain(measure)\n"
    good = f"    yield from (fixed(f'a / {{i}}', i + 0.5, 's') for i in range(count)){tail}"
    (tmp_path / "good.py").write_text(f'"""A benchmark."""\n{head}{good}')
    (tmp_path / "bad.py").write_text(f'"""A benchmark."""\n{head}    yield 1 / 0{tail}')
    assert _running.run([], tmp_path / "out.json", tmp_path) == ["bad"]
    found = _records.read(tmp_path / "out.json")
    assert _records.figures(found, "good")["a / 1"].value == 1.5
    assert {"date", "machine", "packages", "revision"} < set(found)
    assert found["benchmarks"]["good"]["options"] == {"count": 2}
    with pytest.raises(ValueError, match="no benchmark bda"):
        _running.run(["bda"], None, tmp_path)
