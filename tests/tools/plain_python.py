"""A pytest plugin for the run in which nothing is compiled, so that coverage sees every line.

    NUMBA_DISABLE_JIT=1 python -m coverage run -m pytest -p tests.tools.plain_python

Compiled functions are plain Python then, and several hundred times slower. Two kinds of tests
cannot tell anything, are left out, and count as skipped: those that take more than some seconds
of processor time, and those of functions that only the compiler can put together. The lines that
they have reached count. Files whose tests work in other processes, for which no time is kept here,
are not collected.
"""

import os
import signal
from concurrent.futures import Executor, Future

import numba
import pytest
from numba.core import extending

from simulate import threads

SECONDS = 3.0
"""For a test, of processor time: how busy the machine is changes nothing."""

ELSEWHERE = {
    "test_benchmarks.py",
    "test_cuda.py",
    "test_docs.py",
    "test_killing.py",
    "test_mutations.py",
    "test_recorded.py",
    "test_types.py",
}

if not numba.config.DISABLE_JIT:
    raise pytest.UsageError("set NUMBA_DISABLE_JIT=1: this plugin is for runs without compilation.")

# Only rows are asked for in this way before they are needed; it has no result, and no Python.
extending._Intrinsic.__call__ = lambda self, *args, **kwargs: None


def pytest_ignore_collect(collection_path):
    """Leave out what takes hours in processes of its own."""
    return True if collection_path.name in ELSEWHERE else None


def pytest_collection_modifyitems(config, items):
    """Leave out the tests that interrupt: in one thread they would end the whole run."""
    kept = [item for item in items if "interrupt" not in item.name]
    config.hook.pytest_deselected(items=[item for item in items if "interrupt" in item.name])
    items[:] = kept


class InThisThread(Executor):
    """Runs what is submitted at once: a test that is too slow can be stopped in no other thread."""

    def __init__(self, *arguments):
        """As `ThreadPoolExecutor`, whose arguments are for its threads."""

    def submit(self, work, /, *arguments, **named):
        """Do it, and give what came of it."""
        done = Future()
        try:
            done.set_result(work(*arguments, **named))
        except Exception as error:
            done.set_exception(error)
        return done


threads.ThreadPoolExecutor = InThisThread


class TooSlow(BaseException):
    """Not an `Exception`, lest the code under test handle it."""


def _stop(number, frame):
    raise TooSlow


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip what is too slow, and what is "compiled only"."""
    process = os.getpid()
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        return (yield)
    except TooSlow:
        pytest.skip("too slow in plain Python")
    except NotImplementedError as error:
        if str(error) != "compiled only":
            raise
        pytest.skip("put together by the compiler")
    finally:
        if os.getpid() == process:  # not in a fork that a test has made
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
