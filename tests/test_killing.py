"""Killed by SIGKILL at random states, all resumes to the bit (see `tests/tools/killing.py`)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX processes")


def killing(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.killing", *arguments],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return done.stdout.splitlines()


def test_a_few_kills_lose_nothing():
    assert killing("--kills", "3")[-1].split() == ["in", "all", "3", "3"]


def test_a_lost_step_would_be_noticed():
    assert "kills of a run that loses a step" in killing("--control")[-1]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_kills_lose_nothing():
    assert killing()[-1].split() == ["in", "all", "100", "100"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_sweep_of_a_thousand_points_is_killed_five_times():
    assert killing("--thousand", "5")[-1].endswith("equal to the bit: True")
