"""The table of mutants is in step with the code; `python -m tests.mutants` runs it."""

import re
from collections import Counter

import pytest

from tests.mutants.campaign import PACKAGES, ROOT, Copy, campaign, source_of
from tests.mutants.mutant import Mutant
from tests.mutants.table import MUTANTS


def test_every_mutant_can_be_made():
    for mutant in MUTANTS:
        mutant.applied(source_of(mutant))  # which it refuses unless both are Python, and differ
    assert len(set(MUTANTS)) == len(MUTANTS)


def test_every_mutant_has_a_test_or_a_reason():
    for mutant in MUTANTS:
        assert bool(mutant.test) != bool(mutant.equivalent), mutant
        if mutant.test:
            file, _, name = mutant.test.partition("::")
            wanted = rf"^def {re.escape(name.partition('[')[0])}\("
            assert re.search(wanted, (ROOT / file).read_text(), re.MULTILINE), mutant


def test_there_are_enough_everywhere():
    count = Counter(mutant.package for mutant in MUTANTS)
    assert sum(count.values()) >= 200
    assert set(count) == set(PACKAGES)
    assert min(count.values()) >= 20
    assert sum(not mutant.equivalent for mutant in MUTANTS) >= 0.95 * len(MUTANTS)


def test_the_campaign_notices(tmp_path):
    """A bug, a change that does no harm, and a test that is not there."""
    file, line = "hsgd/problems/sampled.py", "given = count * rows.ridge if"
    test = "tests/hsgd/test_nouns.py::test_typical_rows_are_sampled_with_their_own_ridge"
    copy = Copy(tmp_path / "copy")
    bug = Mutant(file, line, "given = rows.ridge if", test)
    harmless = Mutant(file, line, "given = rows.ridge * count if", test)
    elsewhere = Mutant(file, line, "given = rows.ridge if", "tests/nowhere.py")
    assert [copy.verdict(mutant) for mutant in (bug, harmless)] == ["killed", "lived"]
    assert copy.verdict(elsewhere).startswith("not tested")


def test_all_verdicts_come(tmp_path, monkeypatch):
    """From two workers, of which one has less to do; and an error of a worker is no silence."""
    monkeypatch.setattr(Copy, "__init__", lambda self, folder: None)
    monkeypatch.setattr(Copy, "check", lambda self, mutants: "")
    monkeypatch.setattr(Copy, "verdict", lambda self, mutant: f"killed by {mutant.test}")
    found = dict(campaign(MUTANTS[:5], tmp_path))
    assert found == {mutant: f"killed by {mutant.test}" for mutant in MUTANTS[:5]}
    monkeypatch.setattr(Copy, "verdict", lambda self, mutant: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(campaign(MUTANTS[:5], tmp_path))


def test_what_changes_nothing_is_no_mutant():
    source = '"""A."""\n\nx = 1  # one\n'
    for old, new in (("A.", "B."), ("one", "two"), ("x = 2", "x = 3")):
        with pytest.raises(ValueError, match=r"changes no code|not once"):
            Mutant("volterra/x.py", old, new).applied(source)
