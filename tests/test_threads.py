"""The verbs in many threads and processes at once: the same bits as one after the other.

The same bits, where BLAS has one thread: with more it adds in another order whenever a simulation
beside it holds it to one.
"""

import concurrent.futures
import functools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import xarray as xr
from threadpoolctl import threadpool_info, threadpool_limits

import hsgd
import simulate
import volterra
from hsgd import dataset
from hsgd.machine import threads
from hsgd.machine.blas import single_threaded_blas
from tests.tools.catalogue import TIMES, things

CALLS = {
    "predict": lambda problem: hsgd.predict(problem, hsgd.SGD(0.3), TIMES),
    "schedule": lambda problem: hsgd.predict(problem, hsgd.SGD(hsgd.PowerDecay(0.3, 0.5)), TIMES),
    "limits": lambda problem: hsgd.limits(problem, hsgd.SGD(0.3)),
    "exact_mean": lambda problem: hsgd.exact_mean(problem, hsgd.SGD(0.3), TIMES),
    "row_basis": lambda problem: hsgd.exact_mean(problem, hsgd.SGD(0.3), TIMES, method="row_basis"),
    "simulate": lambda problem: simulate.sgd(
        problem, hsgd.SGD(0.3), TIMES, seed=0, num_replicates=3, engine="reference"
    ),
    "compiled": lambda problem: simulate.sgd(
        problem, hsgd.SGD(0.3), TIMES, seed=0, num_replicates=3, engine="cpu"
    ),
}


def fresh():
    """A problem of which nothing is known yet: all threads want its decomposition."""
    kept = things()
    return hsgd.LeastSquares(kept["A"], kept["b"], ridge=0.1)


def at_once(work, count):
    """Call `work(k)` in `count` threads that start together."""
    gate = threading.Barrier(count)

    def run(k):
        gate.wait()
        return work(k)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def assert_equal(one, other, rtol=0.0):
    assert list(one.variables) == list(other.variables)
    for name in one.variables:
        ours, theirs = one[name].values, other[name].values
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol, atol=0.0, err_msg=name)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


@pytest.fixture
def one_blas_thread():
    with single_threaded_blas():
        yield


def all_at_once(count, rtol):
    names = list(CALLS)
    alone = {name: CALLS[name](fresh()) for name in names}
    shared = fresh()
    jobs = [names[k % len(names)] for k in range(max(count, len(names)))]
    for start in range(0, len(jobs), count):
        batch = jobs[start : start + count]
        found = at_once(lambda k, batch=batch: CALLS[batch[k]](shared), len(batch))
        for name, one in zip(batch, found, strict=True):
            assert_equal(one, alone[name], rtol)


@pytest.mark.parametrize("count", [2, 8])
def test_all_verbs_at_once_on_one_problem(count, one_blas_thread):
    all_at_once(count, rtol=0.0)


def test_all_verbs_at_once_whatever_blas_does():
    """Errors of rounding, reported as such, are themselves differences of rounded numbers."""
    all_at_once(2, rtol=1e-9)


def _predict_once(problem, _):
    return CALLS["predict"](problem)


def test_one_verb_in_eight_threads_on_one_fresh_problem(one_blas_thread):
    alone = CALLS["predict"](fresh())
    for _ in range(5):
        shared = fresh()
        work = functools.partial(_predict_once, shared)
        for one in at_once(work, 8):
            assert_equal(one, alone)


def test_volterra_in_threads():
    kernels = [volterra.SumOfExponentials([1.0, 2.0 + k], [0.1, 0.2]) for k in range(8)]
    forcing = volterra.SumOfExponentials([0.5], [1.0])

    def solve(k):
        return volterra.solve(forcing, kernels[k], TIMES).y

    alone = [solve(k) for k in range(8)]
    for one, other in zip(at_once(solve, 8), alone, strict=True):
        np.testing.assert_array_equal(one, other)
    solution = volterra.solve(forcing, kernels[0], TIMES)
    for one in at_once(lambda k: solution(TIMES + 0.5), 8):
        np.testing.assert_array_equal(one, solution(TIMES + 0.5))


def test_as_many_threads_as_were_asked_for(monkeypatch):
    """The environment's number if it is one, unless the caller set a lower limit."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for words, count in (("3", 3), ("0", cores), ("many", cores), ("", cores)):
        monkeypatch.setenv("NUMBA_NUM_THREADS", words)
        assert threads.available() == count
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    with threads.limited(2), threadpool_limits(2, user_api="blas"):
        assert threads.available() == 2
        with threads.alone():
            assert threads.available() == 1
            assert {
                pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
            } == {1}
        assert threads.available() == 2
    assert threads.available() == 3


def test_saving_to_one_path_from_many_threads(tmp_path):
    """The file is always one of those saved, whole; and the user's umask is left alone."""
    curves = [hsgd.predict(fresh(), hsgd.SGD(0.1 * (k + 1)), TIMES) for k in range(4)]
    path = tmp_path / "curve.nc"
    before = os.umask(0o027)
    try:
        at_once(lambda k: [dataset.save(curves[k % 4], path) for _ in range(3)], 8)
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert any(dataset.load(path).identical(curve) for curve in curves)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["curve.nc"]


def test_sweeps_in_threads_keep_their_own_warnings():
    """With `warnings.catch_warnings`, which changes the process, threads take each other's."""
    quiet = xr.DataArray([0.05, 0.1, 0.15], dims="learning_rate")
    critical = hsgd.critical_learning_rate(fresh())
    loud = quiet / 0.05 * 2 * critical
    told = []
    lock = threading.Lock()

    def note(message, *rest, **more):
        with lock:
            told.append((threading.current_thread().name, str(message)))

    def sweep(k):
        threading.current_thread().name = "loud" if k % 2 else "quiet"
        for _ in range(4):
            hsgd.predict(fresh(), hsgd.SGD(loud if k % 2 else quiet), TIMES)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        at_once(sweep, 4)
    assert {name for name, _ in told} == {"loud"}
    assert len(told) == 8
    assert len({message for _, message in told}) == 1
    assert "warnings in 3 members of the sweep" in told[0][1]


def test_a_schedule_by_function_does_not_depend_on_who_asked_before():
    """A far horizon, asked for by another thread, must not coarsen what is known already."""
    schedule = hsgd.FromFunction(lambda t: 1.0 / (1.0 + t))
    first = schedule.integral(TIMES)
    schedule.integral(np.array([1e12]))
    np.testing.assert_array_equal(schedule.integral(TIMES), first)
    np.testing.assert_allclose(first, np.log1p(TIMES), rtol=1e-13)


def _in_a_process(connection):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        connection.send(CALLS["predict"](fresh()).empirical_risk.values.tobytes())
    connection.close()


# A forked child of a process with threads is at risk by POSIX; Python says so, and does it.
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_predicts_what_its_parent_does():
    expected = CALLS["predict"](fresh()).empirical_risk.values.tobytes()
    simulate.sgd(fresh(), hsgd.SGD(0.3), TIMES, seed=0)  # threads have been, and BLAS was held
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_in_a_process, args=(theirs,))
    child.start()
    assert ours.poll(60)
    assert ours.recv() == expected
    child.join(60)
    assert child.exitcode == 0


SPAWNED = """
import concurrent.futures, multiprocessing, numpy as np, hsgd

def one(rate):
    A = np.linspace(0, 1, 60).reshape(20, 3) ** [1, 2, 3]
    problem = hsgd.LeastSquares(A, A.sum(axis=1), ridge=0.1)
    curve = hsgd.predict(problem, hsgd.SGD(rate), np.linspace(0, 2, 5))
    return curve.empirical_risk.values.tobytes()

if __name__ == "__main__":
    import warnings
    warnings.simplefilter("ignore")
    rates = [0.1, 0.2]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        assert list(pool.map(one, rates)) == [one(rate) for rate in rates]
    print("equal")
"""


def test_spawned_processes_predict_the_same(tmp_path):
    script = tmp_path / "spawned.py"
    script.write_text(SPAWNED)
    paths = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)], capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": paths}, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "equal", done.stderr


def test_a_slow_reader_of_one_svd_does_not_see_half_of_it():
    """`cached_property` may compute twice; whoever asks gets a whole answer of equal bits."""
    problem = fresh()

    def ask(k):
        time.sleep(0.0005 * k)
        return problem.svd, problem.solution, problem.squared_row_norms

    for svd, solution, norms in at_once(ask, 8):
        np.testing.assert_array_equal(svd.singular_values, problem.svd.singular_values)
        np.testing.assert_array_equal(solution, problem.solution)
        np.testing.assert_array_equal(norms, problem.squared_row_norms)
