"""Long work says what it does, also before it has anything to count; short work says nothing."""

import io
import time
from types import SimpleNamespace

import numpy as np
import pytest

import hsgd
from hsgd.machine import progress
from hsgd.theory.dynamics import discrete


class Terminal(io.StringIO):
    """What a user sees."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    seen = Terminal()
    # Of the module alone: pytest sets that of all again before the test begins.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=seen))
    return seen


def wait_for(words, seen):
    end = time.monotonic() + 30
    while words not in seen.getvalue() and time.monotonic() < end:
        time.sleep(0.005)
    assert words in seen.getvalue()


def test_what_goes_on_is_said_before_anything_is_counted(terminal, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.01)
    with progress.bar(None, 10, description="work", unit="steps", waiting="compiling") as report:
        wait_for("work (compiling)", terminal)
        report(4)
        time.sleep(0.15)  # tqdm writes ten times a second at most
        report(4)
        wait_for("work:", terminal)
        wait_for("8.00/10.0", terminal)


def test_what_was_done_before_the_bar_came_counts(terminal, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.05)
    with progress.bar(None, 10, description="work", unit="steps", waiting="compiling") as report:
        report(7)
        wait_for("work:", terminal)
        assert "compiling" not in terminal.getvalue()
        assert "7.00/10.0" in terminal.getvalue()


def test_short_work_and_pipes_see_nothing(terminal, monkeypatch):
    with progress.bar(None, 1, description="work", unit="steps") as report:
        report(1)
    assert terminal.getvalue() == ""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    with progress.bar(None, 1, description="work", unit="steps"):
        time.sleep(0.05)
    assert terminal.getvalue() == ""


def test_a_notebook_is_looked_at_like_a_terminal(terminal, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.01)
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    monkeypatch.setattr(Terminal, "__module__", "ipykernel.iostream")
    with progress.bar(None, 10, description="work", unit="steps"):
        wait_for("work", terminal)


def test_predict_says_how_large_it_is(terminal, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.0)
    words = "predict (finite-step theory, 40 modes, 4000 iterations)"
    step_through = discrete.step_through

    def patient(*arguments):
        wait_for(words, terminal)
        return step_through(*arguments)

    monkeypatch.setattr(discrete, "step_through", patient)
    rows = hsgd.GaussianRows(np.linspace(1, 2, 40) / 40, np.ones(40))
    hsgd.predict(rows, hsgd.StreamingSGD(hsgd.CosineDecay(0.5, 100.0)), [100.0])
