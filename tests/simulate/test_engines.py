"""The engines agree, and the bits do not depend on threads, batches of replicates or chunks."""

import ast
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from threadpoolctl import threadpool_info, threadpool_limits

from hsgd.algorithms.base import SAMPLINGS
from hsgd.algorithms.sgd import SGD
from hsgd.machine.blas import single_threaded_blas
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.schedules import CosineDecay, Piecewise
from hsgd.statistics.quadratics import Quadratic
from simulate import numba_policy, sgd, threads
from simulate.engines import reference
from simulate.engines.cpu import engine as cpu
from simulate.engines.cpu import kernels, layout

TIMES = np.array([0.0, 0.01, 0.5, 1.0, 1.01, 2.7])
SCHEDULES = {
    "constant": 0.4,
    "cosine": CosineDecay(0.6, 2.0, 0.1),
    "jump": Piecewise((1.0,), (0.5, 0.1)),
    "callable": lambda t: 0.3 / (1 + t),
}
COMPARED = ["cpu"]  # "cuda" needs a process of its own: test_cuda.py


def values(runs):
    return runs.to_dataarray().values


def assert_same_bits(first, second):
    assert (values(first) == values(second)).all()


@pytest.mark.parametrize("engine", COMPARED)
@pytest.mark.parametrize(
    ("schedule", "ridge"), [("constant", 0.7), ("cosine", 0.0), ("jump", 0.7), ("callable", 0.0)]
)
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_engines_agree_to_rounding(build, engine, sampling, batch_size, ridge, schedule):
    problem = build(ridge=ridge)
    algorithm = SGD(SCHEDULES[schedule], batch_size, sampling)
    extra = Quadratic(np.diag(np.arange(11.0)), np.ones(11), -3.0, name="extra")
    asked = {
        "statistics": ["empirical_risk", "population_risk", "distance", extra],
        "num_replicates": 2,
        "first_replicate": 3,
        "seed": 8,
    }
    expected = sgd(problem, algorithm, TIMES, engine="reference", **asked)
    found = sgd(problem, algorithm, TIMES, engine=engine, **asked)
    xr.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_engines_differ_where_the_streams_do(problem):
    # The negative control of the comparison above.
    runs = [sgd(problem, SGD(0.4), TIMES, seed=seed).empirical_risk.values for seed in (0, 1)]
    assert not np.allclose(*runs, rtol=1e-3)


@pytest.fixture(scope="module")
def larger():
    # Large enough for BLAS to use several threads, and its blocked kernels, if it may.
    return GaussianRows(np.full(203, 1 / 203), np.ones(203), 0.1).sample(301, seed=0)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_long_rows_are_summed_to_their_end(larger, batch_size):
    """Compiled loops go over a row piece by piece, and short rows are one piece."""
    found, expected = (
        sgd(larger, SGD(0.5, batch_size), [0.05, 0.1], seed=1, engine=engine)
        for engine in ("cpu", "reference")
    )
    xr.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_bits_depend_neither_on_threads_nor_on_batches(larger, monkeypatch, sampling, batch_size):
    times = np.linspace(0, 2, 41)
    algorithm = SGD(0.5, batch_size, sampling)
    whole = sgd(larger, algorithm, times, num_replicates=6, seed=1)
    for count in (1, 2, 3, 5):
        monkeypatch.setenv("NUMBA_NUM_THREADS", str(count))
        found = sgd(larger, algorithm, times, num_replicates=6, seed=1)
        assert found.attrs["num_threads"] == count
        assert_same_bits(found, whole)
    parts = [sgd(larger, algorithm, times, first_replicate=r, seed=1) for r in range(6)]
    together = xr.concat(parts, "replicate", data_vars="minimal", combine_attrs="drop")
    assert (together.replicate == whole.replicate).all()
    assert_same_bits(together, whole)


def test_bits_do_not_depend_on_chunks(larger, monkeypatch):
    for batch_size in (1, 3):
        whole = sgd(larger, SGD(0.5, batch_size), [0, 0.5, 2.0], num_replicates=2, seed=1)
        with monkeypatch.context() as patch:
            patch.setattr(cpu, "CHUNK_FLOPS", 17 * 4 * 203 * batch_size)
            assert_same_bits(
                sgd(larger, SGD(0.5, batch_size), [0, 0.5, 2.0], num_replicates=2, seed=1), whole
            )


def test_the_bits_of_the_reference_do_not_depend_on_chunks(problem, monkeypatch):
    """A chunk of batches goes on where the rows of the one before ended."""
    algorithm, asked = SGD(0.4, 3, "reshuffle"), {"seed": 1, "engine": "reference"}
    whole = sgd(problem, algorithm, TIMES, **asked)
    monkeypatch.setattr(reference, "CHUNK", 7)
    assert_same_bits(sgd(problem, algorithm, TIMES, **asked), whole)


def test_looks_at_the_clock_follow_the_work(problem, monkeypatch):
    """A row of a batch is work, too: else an interrupt waits as many times as long."""
    counts = []
    monkeypatch.setattr(cpu, "CHUNK_FLOPS", 3000)
    for batch_size in (2, 20):
        looks = []
        bar = nullcontext(looks.append)
        monkeypatch.setattr("simulate.run.execution.bar", lambda show, total, bar=bar: bar)
        sgd(problem, SGD(0.01, batch_size), [0.0, 10.0], seed=0)
        assert sum(looks) == 300
        counts.append(len(looks))
    assert counts[1] > 5 * counts[0]


def test_trajectories_do_not_depend_on_the_times_recorded(larger):
    few = sgd(larger, SGD(0.5), [2.0], seed=1)
    many = sgd(larger, SGD(0.5), np.linspace(0, 2, 301), seed=1)
    xr.testing.assert_allclose(few.isel(time=-1), many.isel(time=-1), rtol=1e-13)


def test_data_too_large_to_copy_are_used_as_they_are(problem, monkeypatch):
    expected = sgd(problem, SGD(0.4), TIMES, seed=1)
    monkeypatch.setattr(layout, "COPY_LIMIT", 0)
    xr.testing.assert_allclose(sgd(problem, SGD(0.4), TIMES, seed=1), expected, rtol=1e-12)


def test_long_schedules_are_evaluated_piece_by_piece(problem, monkeypatch):
    expected = sgd(problem, SGD(CosineDecay(0.5, 2.0)), TIMES, seed=1)
    monkeypatch.setattr("simulate.formulas.schedules.KEPT", 13)
    assert_same_bits(sgd(problem, SGD(CosineDecay(0.5, 2.0)), TIMES, seed=1), expected)


@pytest.mark.skipif(os.environ.get("OPENBLAS_NUM_THREADS") != "1", reason="see the next two")
def test_threads_of_linear_algebra_where_there_are_two():
    """The next two tests, which say nothing where the environment allows a single thread."""
    names = [
        test_two_calls_at_once_do_not_disturb_each_other,
        test_blas_is_held_while_any_call_holds_it,
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"{__file__}::{test.__name__}" for test in names]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in found.stdout


def test_two_calls_at_once_do_not_disturb_each_other(larger):
    times = np.linspace(0, 2, 41)
    before = [pool["num_threads"] for pool in threadpool_info()]
    expected = [sgd(larger, SGD(0.5), times, num_replicates=4, seed=seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        calls = [
            pool.submit(sgd, larger, SGD(0.5), times, num_replicates=4, seed=seed)
            for seed in range(4)
        ]
    for call, runs in zip(calls, expected, strict=True):
        assert_same_bits(call.result(), runs)
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_blas_is_held_while_any_call_holds_it():
    found = []

    def counts():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    def overlap(entered, leave):
        with single_threaded_blas():
            entered.set()
            leave.wait(10)
            found.append(counts())

    before = counts()
    entered, leave = threading.Event(), threading.Event()
    with single_threaded_blas():
        other = threading.Thread(target=overlap, args=(entered, leave))
        other.start()
        entered.wait(10)
    # The first one in is out; the second one still holds it.
    assert counts() == {1}
    leave.set()
    other.join()
    assert found == [{1}]
    assert counts() == before


def test_blas_limits_of_the_caller_survive(larger):
    expected = sgd(larger, SGD(0.5), TIMES, num_replicates=2, seed=1)
    with threadpool_limits(2, user_api="blas"):
        assert_same_bits(sgd(larger, SGD(0.5), TIMES, num_replicates=2, seed=1), expected)
        assert all(pool["num_threads"] == 2 for pool in threadpool_info())


def test_an_error_in_one_thread_stops_the_others():
    started = threading.Barrier(2)
    stopped = []

    def work(index, check):
        if index > 1:
            stopped.append("started late")
            return
        started.wait(10)
        if index == 0:
            raise KeyError("first")
        try:
            while True:
                check()
        except threads.Cancelled:
            stopped.append("cancelled")
            raise

    with pytest.raises(KeyError, match="first"):
        threads.for_each(2, 2, work)
    assert stopped == ["cancelled"]


def test_after_an_error_what_waits_is_not_begun():
    begun = []

    def work(index, check):
        begun.append(index)
        if not index:
            raise KeyError("first")
        time.sleep(0.001)

    with pytest.raises(KeyError, match="first"):
        threads.for_each(1000, 1, work)
    assert len(begun) < 500


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
@pytest.mark.parametrize("num_replicates", [1, 4])
def test_an_interrupt_stops_a_long_run(larger, num_replicates):
    sgd(larger, SGD(0.5), [0.1], seed=0)  # compiled before the clock starts
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    start = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.warns(UserWarning, match="interrupted: .* not complete"):
            runs = sgd(larger, SGD(0.5), [0.0, 1.0, 1e7], num_replicates=num_replicates, seed=0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < 20  # of an hour
    # What was done is kept, to the bit, and marked.
    assert runs.attrs["status"] == "partial"
    assert (runs.status == 2).all()
    assert runs.sizes["replicate"] >= 1
    assert np.isnan(runs.empirical_risk[-1]).all()
    whole = sgd(larger, SGD(0.5), [0.0, 1.0, 1.5], num_replicates=num_replicates, seed=0)
    kept = whole.sel(replicate=runs.replicate).isel(time=slice(2))
    assert_same_bits(runs.isel(time=slice(2)), kept)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_an_interrupt_before_the_first_record_is_an_interrupt(larger):
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            sgd(larger, SGD(0.5), [1e7], seed=0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kernels_survive_a_fork(problem):
    # Numba's OpenMP layer would kill the child; these kernels run in ordinary threads.
    expected = values(sgd(problem, SGD(0.4), TIMES, num_replicates=2, seed=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's: fork with threads about
        child = os.fork()
    if child == 0:
        good = False
        try:
            found = sgd(problem, SGD(0.4), TIMES, num_replicates=2, seed=1)
            good = bool((values(found) == expected).all())
        finally:
            os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_change_in_any_source_is_another_digest(tmp_path, monkeypatch):
    """The digest names compiled kernels on the disk: those of older sources must not be found."""
    (tmp_path / "rules").mkdir()
    sources = [tmp_path / "numba_policy.py", tmp_path / "rules" / "sign.py"]
    monkeypatch.setattr(numba_policy, "__file__", str(sources[0]))
    digests = set()
    for texts in (("a", "b"), ("c", "b"), ("a", "d")):
        for path, text in zip(sources, texts, strict=True):
            path.write_text(text)
        digests.add(numba_policy.source_digest.__wrapped__())
    assert len(digests) == 3


def slices_assigned(text):
    """Lines of a program that assign to a slice."""
    targets = [
        target
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assign | ast.AugAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    parts = [part for target in targets for part in ast.walk(target)]
    return [
        part.lineno
        for part in parts
        if isinstance(part, ast.Subscript)
        and any(isinstance(index, ast.Slice) for index in ast.walk(part.slice))
    ]


def test_no_kernel_assigns_to_a_slice():
    """It would compile for as long again: `copying` says why."""
    folder = Path(kernels.__file__).parent
    files = [*folder.glob("*.py"), folder.parent / "lanes.py"]
    assert len(files) > 5
    assert {file.name: slices_assigned(file.read_text("utf-8")) for file in files} == {
        file.name: [] for file in files
    }
    assert slices_assigned("x[0] = y\nx[1:] = y\nx[j, :] += 1\n") == [2, 3]
