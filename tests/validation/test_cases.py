"""Every case, at its small size, through the table and through the command line."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot

from hsgd import dataset
from validation import compare, report
from validation.__main__ import main
from validation.cases import CASES
from validation.cases.base import Outcome
from validation.folders import RECORD, Settings, checks_of, complete
from validation.stacking import member

QUICK = ("formulas",)
"""`hsgd validate all --size small`, a check of its own beside the tests, runs all."""


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES],
)
def test_every_verdict_is_the_expected_one_and_the_report_shows_it(name, tmp_path):
    case = CASES[name]
    settings = Settings(case, "small", case.sizes["small"], seed=0)
    result = complete(settings, tmp_path, lambda line: None)
    checks = result.outcome.checks
    assert result.outcome.passed, [check for check in checks if not check.passed]
    assert any(check.control for check in checks), "a case needs a negative control"
    assert len({check.label for check in checks}) == len(checks)
    again = complete(settings, tmp_path, lambda line: None)
    assert again.reused
    page = report.write([again], tmp_path).read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "1 of 1 cases are as expected" in page


@pytest.mark.parametrize("name", CASES)
def test_a_case_describes_itself(name):
    case = CASES[name]
    assert case.name == name
    assert {"small", "full"} <= set(case.sizes)
    assert all("replicates" in size for size in case.sizes.values())
    assert case.question
    assert case.right
    assert case.wrong
    for text in (case.right, case.wrong):
        assert not text.endswith("."), "the report adds the full stop"


@pytest.mark.slow
def test_the_quickstart_at_its_real_size_with_its_controls(tmp_path):
    case = CASES["quickstart"]
    assert case.sizes["full"]["replicates"] >= 32
    assert main(["quickstart", "--out", str(tmp_path)]) == 0
    checks = checks_of(dataset.load(tmp_path / RECORD))
    # The README's figure is the one that this writes; fonts differ a little between machines.
    shown = pyplot.imread(Path(__file__).parents[2] / "docs" / "quickstart.png")
    drawn = pyplot.imread(tmp_path / "quickstart.png")
    assert drawn.shape == shown.shape
    assert np.abs(drawn - shown).mean() < 0.01
    assert {check.label: check.agrees for check in checks} == {
        "0.25 of critical": True,
        "0.5 of critical": True,
        "0.8 of critical": True,
        "the ½ dropped in the noise at 0.25": False,
        "the learning rate 50% too low at 0.25": False,
        "the learning rate 50% too high at 0.25": False,
        "the ½ dropped in the noise at 0.5": False,
        "the learning rate 20% too low at 0.5": False,
        "the learning rate 20% too high at 0.5": False,
    }


def test_the_command_writes_what_it_promises(tmp_path, capsys):
    folder = tmp_path / "new" / "results"
    assert main(["quickstart", "--size", "small", "--out", str(folder), "--replicates", "16"]) == 0
    printed = capsys.readouterr().out
    assert "0.5 of critical: agrees" in printed
    assert "rejected, as it must be" in printed
    assert sorted(path.name for path in folder.iterdir()) == [
        "comparison.nc",
        "quickstart.png",
        "record.nc",
        "report.html",
        "simulation.nc",
        "theory.nc",
    ]
    assert (folder / "quickstart.png").read_bytes().startswith(b"\x89PNG")
    theory, runs, comparison = (
        dataset.load(folder / f"{name}.nc") for name in ("theory", "simulation", "comparison")
    )
    assert runs.sizes["replicate"] == 16
    dim = "fraction_of_critical"
    assert list(theory[dim].values) == [0.25, 0.5, 0.8]
    again = compare(member(theory, dim, 0.5), member(runs, dim, 0.5))
    kept = member(comparison, dim, 0.5)
    assert again.equals(kept)
    assert again.attrs["verdict"] == kept.attrs["verdict"]
    assert np.isfinite((theory - runs).empirical_risk).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a case"),
        (["nope"], "there is no case 'nope'"),
        (["quickstart", "--size", "big"], "--size is 'big'"),
        (["quickstart", "--replicates", "7"], "--replicates is 7"),
        (["quickstart", "--seed", "-1"], "--seed is -1"),
        (["quickstart", "--out", "FILE/x"], "cannot be made"),
        (["quickstart", "--out", "FILE"], "cannot be made"),
        (["all", "--out", "FILE"], "cannot be made"),
    ],
)
def test_bad_input_gets_one_sentence_before_any_work(arguments, words, tmp_path, capsys):
    (tmp_path / "file").write_text("taken")
    given = [word.replace("FILE", str(tmp_path / "file")) for word in arguments]
    assert main(given) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert not printed.out


def test_a_missing_library_is_named_before_any_work(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["quickstart"]) == 2
    assert "pip install 'hsgd[validation]'" in capsys.readouterr().err


def test_the_list_says_what_a_case_shows(capsys):
    assert main(["--list"]) == 0
    assert "wrong:" in capsys.readouterr().out


def test_an_unexpected_verdict_gives_exit_code_one(monkeypatch, capsys):
    from validation.cases.base import Check

    failed = Outcome((Check("half", "REJECTED: at worst ...", agrees=False),))
    case = CASES["quickstart"]
    changed = type(case)(**{**vars(case), "run": lambda size, *, seed, say: failed})
    monkeypatch.setitem(CASES, "quickstart", changed)
    assert main(["quickstart"]) == 1
    assert "quickstart FAILS: not as expected: half" in capsys.readouterr().out


def test_a_case_that_crashes_fails_with_its_traceback_and_the_others_run(
    monkeypatch, tmp_path, capsys
):
    def broken(size, *, seed, say):
        raise ValueError("something inside")

    case = CASES["reshuffling"]
    changed = type(case)(**{**vars(case), "run": broken})
    monkeypatch.setattr(
        "validation.confronting.CASES", {"broken": changed, "formulas": CASES["formulas"]}
    )
    assert main(["all", "--size", "small", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "ValueError: something inside" in printed.err
    assert "- reshuffling FAILS: it crashed" in printed.out
    assert "- formulas passes" in printed.out
    assert "1 of 1 cases" in (tmp_path / "report.html").read_text(encoding="utf-8")
