"""A pytest plugin for the run in which nothing is compiled, so that coverage sees every line.

    NUMBA_DISABLE_JIT=1 python -m coverage run -m pytest -p tests.tools.plain_python

Compiled functions are plain Python then, and several hundred times slower. Two kinds of tests
cannot tell anything, are left out, and count as skipped: those that take longer than their
`--timeout`, and those of functions that only the compiler can put together ("compiled only").
"""

import numba
import pytest
from numba.core import extending

if not numba.config.DISABLE_JIT:
    raise pytest.UsageError("set NUMBA_DISABLE_JIT=1: this plugin is for runs without compilation.")

# Only rows are asked for in this way before they are needed; it has no result, and no Python.
extending._Intrinsic.__call__ = lambda self, *args, **kwargs: None


LEFT_OUT = {
    "Timeout (>": "too slow in plain Python",
    "compiled only": "put together by the compiler",
}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Skipped, where plain Python cannot tell."""
    report = yield
    said = str(call.excinfo.value) if call.excinfo else ""
    reasons = [reason for words, reason in LEFT_OUT.items() if words in said]
    if report.failed and reasons:
        path, line, _ = item.location
        report.outcome, report.longrepr = "skipped", (path, line or 0, reasons[0])
    return report
