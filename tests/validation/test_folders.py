"""Results on disk: found again, noticed when something else, whole or absent; and their diff."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from hsgd import dataset
from tests.validation import curves
from validation import compare, diff, figures, folders, load, report
from validation.__main__ import main
from validation.cases.base import Case, Check, Number, Outcome


def outcome(seed=0, scale=1.0, value=2.0):
    found = compare(curves.theory(scale=scale), curves.runs(seed=seed), discrepancy=0.2)
    checks = (
        Check.of("half of critical", found),
        Check("a <wrong> theory", "REJECTED: of course.", agrees=False, control=True),
    )
    numbers = (Number("slope", value, 0.1), Number("exact", 3.0))
    return Outcome(checks, {"comparison": found}, numbers)


def draw(datasets):
    figure = figures.new_figure(4, 3)
    axes = figure.subplots()
    axes.plot(datasets["comparison"].time, datasets["comparison"].observed[0], color=figures.RUNS)
    axes.set_title("title")
    return figure


@pytest.fixture
def case():
    calls = []

    def run(size, *, seed, say):
        calls.append(seed)
        return outcome(seed)

    case = Case("made-up", "Is it?", "so", "not so", {"small": {"replicates": 32}}, run, draw)
    object.__setattr__(case, "calls", calls)
    return case


def settings(case, seed=0, replicates=32):
    return folders.Settings(case, "small", {"replicates": replicates}, seed)


def complete(case, folder, **options):
    return folders.complete(settings(case, **options), folder, lambda line: None)


def test_a_finished_case_is_not_run_again(case, tmp_path):
    first = complete(case, tmp_path)
    again = complete(case, tmp_path)
    assert case.calls == [0]
    assert (first.reused, again.reused) == (False, True)
    assert again.outcome.checks == first.outcome.checks
    assert again.outcome.numbers == first.outcome.numbers
    assert again.outcome.datasets["comparison"].equals(first.outcome.datasets["comparison"])
    assert again.record.identical(first.record)


@pytest.mark.parametrize("options", [{"seed": 1}, {"replicates": 33}])
def test_other_settings_are_run_again(case, tmp_path, options):
    complete(case, tmp_path)
    assert not complete(case, tmp_path, **options).reused
    assert len(case.calls) == 2


def test_other_code_is_run_again(case, tmp_path, monkeypatch):
    complete(case, tmp_path)
    monkeypatch.setattr(folders, "_code", lambda name: "another version of the four packages")
    assert not complete(case, tmp_path).reused


@pytest.mark.parametrize("name", ["record.nc", "comparison.nc"])
@pytest.mark.parametrize("harm", ["removed", "cut short"])
def test_a_damaged_result_is_run_again(case, tmp_path, name, harm):
    complete(case, tmp_path)
    path = tmp_path / name
    content = path.read_bytes()
    path.unlink()
    if harm == "cut short":
        path.write_bytes(content[: len(content) // 2])
    assert not complete(case, tmp_path).reused
    assert complete(case, tmp_path).reused


def test_a_dataset_of_another_run_is_not_taken_for_the_one_of_the_record(case, tmp_path):
    """Whole files, each with its right checksum; but they do not belong together."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    complete(case, one)
    complete(case, other, seed=1)
    (one / "comparison.nc").write_bytes((other / "comparison.nc").read_bytes())
    for read in (load, lambda folder: diff(other, folder)):
        with pytest.raises(ValueError, match=r"comparison\.nc is whole, but is not the file"):
            read(one)
    assert not complete(case, one).reused
    assert complete(case, one).reused


def test_a_record_that_is_none_is_refused(case, tmp_path):
    complete(case, tmp_path)
    (tmp_path / "record.nc").write_bytes((tmp_path / "comparison.nc").read_bytes())
    with pytest.raises(ValueError, match=r"another kind \(comparison\): restore the record"):
        diff(tmp_path, tmp_path)


def test_folders_of_earlier_versions_are_read_without_checksums(case, tmp_path):
    home = keep(outcome(), tmp_path / "old", case)
    record = dataset.load(home / folders.RECORD)
    dataset.save(record.drop_attrs(deep=False).assign_attrs(
        {name: value for name, value in record.attrs.items() if name != "checksums"}
    ), home / folders.RECORD)  # fmt: skip
    assert diff(home, home).none


def test_a_run_that_is_killed_leaves_no_record(case, tmp_path, monkeypatch):
    complete(case, tmp_path)

    def killed(data, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(folders.dataset, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        complete(case, tmp_path, seed=1)
    assert not (tmp_path / folders.RECORD).exists()


def test_only_what_decides_the_result_is_in_the_digest_of_the_code():
    home = folders.Path(folders.__file__).parent
    inside = {path.relative_to(home) for path in home.rglob("*.py")}
    kept = {path for path in inside if folders._matters(path, home / path, "quickstart")}
    deciding = "alignment comparison data points simultaneous slopes stacking tails verdict"
    assert {folders.Path(f"{name}.py") for name in deciding.split()} <= kept
    assert folders.Path("cases/quickstart.py") in kept
    assert folders.Path("cases/confront.py") in kept
    assert folders.Path("report.py") not in kept
    assert folders.Path("cases/gaussian.py") not in kept


def test_the_page_holds_everything_and_points_nowhere(case, tmp_path):
    result = complete(case, tmp_path)
    page = report.write([result], tmp_path).read_text(encoding="utf-8")
    assert "a &lt;wrong&gt; theory" in page
    assert "slope" in page
    assert "hsgd validate made-up --size small --seed 0" in page
    assert "1 of 1 cases are as expected" in page
    for reference in ("<script", "src=", "http-equiv", "url(http", "@import"):
        assert reference not in page
    drawing = page[page.index("<svg") : page.index("</svg>") + 6]
    ElementTree.fromstring(drawing)
    assert "var(--runs)" in drawing
    assert figures.RUNS.lower() not in drawing.lower()
    assert (tmp_path / "made-up.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_says_when_something_is_not_as_expected(case, tmp_path):
    accepted = Check("a wrong theory", "agrees: alas.", agrees=True, control=True)
    result = complete(case, tmp_path)
    failed = replace(result, outcome=replace(result.outcome, checks=(accepted,)))
    page = report.write([failed], tmp_path).read_text(encoding="utf-8")
    assert "0 of 1 cases are as expected" in page
    assert "0 of 1 negative controls" in page
    assert "✗ accepted" in page


def keep(found, folder, case):
    folder.mkdir()
    record = folders._record(settings(case), found, 1.0)
    folders._keep(found, record, folder)
    return folder


def test_two_folders_of_the_same_truth_do_not_differ(case, tmp_path, capsys):
    old = keep(outcome(0), tmp_path / "old", case)
    new = keep(outcome(1, value=2.5), tmp_path / "new", case)  # 3.5 standard errors of a difference
    assert diff(old, new).none
    assert main(["diff", str(old), str(new)]) == 0
    assert "no difference in 1 cases" in capsys.readouterr().out


def test_a_changed_verdict_number_or_curve_is_reported(case, tmp_path, capsys):
    old = keep(outcome(0), tmp_path / "old", case)
    new = keep(outcome(0, scale=1.5, value=2.7), tmp_path / "new", case)
    found = diff(old, new)
    assert "half of critical was accepted, is rejected" in found.verdicts[0]
    assert "slope was 2" in found.numbers[0]
    assert "the theory in comparison moved by up to 50%" in found.numbers[1]
    assert len(found.numbers) == 2
    assert main(["diff", str(old), str(new)]) == 1
    assert "3 differences" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "moves"),
    [
        ("expected", {"by": 5e-7, "beyond": 2e-6}),
        # In standard errors of one of the two curves; those of a difference are √2 as large.
        ("observed", {"by": 5.5, "beyond": 5.8}),
    ],
)
def test_curves_may_move_by_rounding_or_four_standard_errors(case, tmp_path, variable, moves):
    found = outcome()
    old, kept = keep(found, tmp_path / "old", case), found.datasets["comparison"]
    unit = kept.standard_error if variable == "observed" else kept.expected
    for name, size in moves.items():
        moved = kept.assign({variable: kept[variable] + size * unit})
        new = keep(replace(found, datasets={"comparison": moved}), tmp_path / name, case)
        assert diff(old, new).none == (name == "by")


def test_what_only_one_folder_has_is_reported(case, tmp_path):
    old = keep(outcome(0), tmp_path / "old", case)
    whole = outcome(0)
    new = keep(replace(whole, checks=whole.checks[:1]), tmp_path / "new", case)
    assert "a <wrong> theory" in diff(old, new).missing[0]
    other = keep(whole, tmp_path / "other", replace(case, name="another"))
    assert diff(old, other).missing == (
        "made-up: only in the old folder",
        "another: only in the new folder",
    )


def test_a_folder_is_one_tree_and_many_are_a_tree_of_trees(case, tmp_path):
    found = outcome()
    home = keep(found, tmp_path / "one", case)
    tree = load(home)
    assert list(tree.children) == ["record", "comparison"]
    assert tree["comparison"].to_dataset().identical(found.datasets["comparison"])
    assert folders.checks_of(tree["record"].to_dataset()) == found.checks
    dataset.save(tree, tmp_path / "one.nc")
    assert dataset.load_tree(tmp_path / "one.nc").identical(tree)
    keep(found, tmp_path / "two", replace(case, name="another"))
    both = load(tmp_path)
    assert set(both.children) == {"made-up", "another"}
    assert both["made-up/comparison"].identical(tree["comparison"])


def test_a_folder_without_results_is_refused(tmp_path, capsys):
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 2
    assert "there is no result in" in capsys.readouterr().err


def test_a_record_follows_the_schema(case):
    found = outcome()
    record = folders._record(settings(case), found, 1.0)
    assert dataset.check(record) is None
    assert folders.checks_of(record) == found.checks
    assert folders.numbers_of(record) == found.numbers
    assert np.array_equal(record.agrees.values, [1, 0])


def test_nothing_reaches_the_report_unescaped(case, tmp_path):
    """Whatever a record says; but for the drawing, which is made here."""
    result = complete(case, tmp_path)
    evil = "<script>alert(1)</script>"
    for name in ("created_at", "hsgd_version", "command", "size_name", "seed"):
        forged = replace(result, record=result.record.assign_attrs({name: evil}))
        page = report.page([forged])
        assert "<script" not in page
        assert "&lt;script&gt;"[:10] in page
    for name in ("size", "versions"):
        text = json.dumps({evil: evil})
        assert "<script" not in report.page(
            [replace(result, record=result.record.assign_attrs({name: text}))]
        )
