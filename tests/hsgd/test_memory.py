"""What does not fit is refused with the figure, before it is allocated."""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import hsgd
import simulate
from hsgd import dataset
from hsgd.machine import memory

LITTLE = 2_000_000


@pytest.fixture
def little(monkeypatch):
    """A machine with two megabytes to spare, whatever this one has."""
    monkeypatch.setattr(memory, "available", lambda: LITTLE)


def problem(n=600, d=500):
    A = np.random.default_rng(0).standard_normal((n, d)) / np.sqrt(d)
    return hsgd.LeastSquares(A, A.sum(axis=1), ridge=0.1)


def small():
    return problem(60, 10)


ROWS = hsgd.GaussianRows(np.full(10, 0.1), np.ones(10))
MANY = np.linspace(0.0, 1e6, 20_000)

TOO_MUCH = {
    "the decomposition": lambda p: p.svd,
    "critical_learning_rate": lambda p: hsgd.critical_learning_rate(p),
    "limits": lambda p: hsgd.limits(p, hsgd.SGD(0.1)),
    "predict, large": lambda p: hsgd.predict(p, hsgd.SGD(0.1), [0.0, 1.0]),
    "predict, many times": lambda p: hsgd.predict(small(), hsgd.SGD(0.1), MANY),
    "predict, streaming": lambda p: hsgd.predict(ROWS, hsgd.StreamingSGD(0.1), MANY),
    "exact_mean": lambda p: hsgd.exact_mean(p, hsgd.SGD(0.1), [0.0, 1.0]),
    "exact_stability": lambda p: hsgd.exact_stability(p),
    "simulate, many": lambda p: simulate.sgd(
        small(), hsgd.SGD(0.1), [0.0, 1.0], num_replicates=10**6
    ),
    "simulate, many times": lambda p: simulate.sgd(
        small(), hsgd.SGD(0.1), MANY[:5000], num_replicates=100
    ),
    "simulate, a large batch": lambda p: simulate.sgd(
        ROWS, hsgd.StreamingSGD(0.1, batch_size=10**6), [0.0, 1.0]
    ),
    "sample": lambda p: ROWS.sample(10**6, seed=0),
    "features": lambda p: hsgd.RandomFeatures(ROWS, 50).sample(10**5, seed=0),
    "power law": lambda p: hsgd.PowerLawRandomFeatures(1.0, 1.0, 10**5, 10).given_weights(0),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_does_not_fit_is_refused_with_both_figures_before_it_is_allocated(name, little):
    large = problem()
    verbs = (simulate.sgd, hsgd.limits, hsgd.exact_mean, hsgd.exact_stability)
    assert verbs  # loaded now: their code is not what is measured
    tracemalloc.start()
    try:
        with pytest.raises(MemoryError, match=r"about \S+ GB.* but \S+ GB are free: .*\.$"):
            TOO_MUCH[name](large)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * LITTLE


TAKEN = {
    "the decomposition": lambda: problem(300, 200).svd,
    "the covariance": lambda: hsgd.GaussianRows(np.eye(250) + 0.1, np.ones(250)),
    "sample": lambda: ROWS.sample(30_000, seed=0),
    "features": lambda: hsgd.RandomFeatures(ROWS, 50).sample(5000, seed=0),
    "power law": lambda: hsgd.PowerLawRandomFeatures(1.0, 1.0, 4000, 40).given_weights(0),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_asked_for_is_what_is_taken(name, monkeypatch):
    """Less, and a machine would die of it; much more, and what fits would be refused."""
    asked = []
    monkeypatch.setattr(memory, "check", lambda needed, *words: asked.append(needed))
    TAKEN[name]()  # loads what it needs, which is not what is measured
    tracemalloc.start()
    try:
        TAKEN[name]()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= max(asked) + 100_000
    assert max(asked) <= 4 * peak


def test_more_than_there_is_and_no_less_is_refused(little):
    memory.check(LITTLE, "all of it", "wishes")
    with pytest.raises(MemoryError, match="all of it would need"):
        memory.check(LITTLE + 1, "all of it", "wishes")


def test_a_file_that_does_not_fit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    """Its bytes, a copy for the reader and the arrays: three times its size."""
    curve = hsgd.limits(small(), hsgd.SGD(0.1)).assign(more=("x", np.arange(2000.0)))
    path = dataset.save(curve, tmp_path / "x.nc")
    size = path.stat().st_size
    monkeypatch.setattr(memory, "available", lambda: int(2.9 * size))
    with pytest.raises(MemoryError, match=r"reading .*x\.nc would need"):
        dataset.load(path)
    monkeypatch.setattr(memory, "available", lambda: int(3.1 * size))
    assert dataset.load(path).identical(curve)


def test_what_fits_is_not_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    hsgd.predict(small(), hsgd.SGD(0.1), np.linspace(0, 5, 50))
    hsgd.exact_mean(small(), hsgd.SGD(0.1), [0.0, 1.0])
    ROWS.sample(1000, seed=0)


def test_where_memory_is_not_known_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    assert memory.check(10**18, "all of it", "wishes") is None


def machine(tmp_path, *, free, group="0::/job\n", statm="250000"):
    """What Linux says of a machine and of a process in a control group."""
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {free // 1024} kB\n")
    (proc / "self/cgroup").write_text(group)
    (proc / "self/statm").write_text(statm)
    return proc, groups


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


GB = 2**30


@pytest.mark.parametrize(
    ("group", "folder", "files", "left"),
    [
        (
            "0::/job\n",
            "job",
            {"memory__max": f"{GB}", "memory__current": f"{GB // 4}"},
            3 * GB // 4,
        ),
        # What files take is given up first.
        (
            "0::/job\n",
            "job",
            {
                "memory__max": f"{GB}",
                "memory__current": f"{GB // 2}",
                "memory__stat": f"anon 1\ninactive_file {GB // 4}\n",
            },
            3 * GB // 4,
        ),
        ("0::/job\n", "job", {"memory__max": "max\n", "memory__current": "1"}, 8 * GB),
        # The group around it is the tighter one; in a container its folder is the root.
        ("0::/job/step\n", "job", {"memory__max": f"{GB}", "memory__current": "0"}, GB),
        ("0::/elsewhere\n", "", {"memory__max": f"{GB}", "memory__current": "0"}, GB),
        (
            "4:cpu:/\n7:memory:/job\n",
            "memory/job",
            {"memory__limit_in_bytes": f"{GB}", "memory__usage_in_bytes": f"{GB // 2}"},
            GB // 2,
        ),
        ("", "", {}, 8 * GB),
    ],
)
def test_the_limit_of_a_control_group_counts(tmp_path, monkeypatch, group, folder, files, left):
    proc, groups = machine(tmp_path, free=8 * GB, group=group)
    write(groups / folder, **files)
    monkeypatch.setattr(memory, "_PROC", proc)
    monkeypatch.setattr(memory, "_CGROUPS", groups)
    assert memory.available() == left


def test_the_limit_of_the_address_space_counts(tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    proc, groups = machine(tmp_path, free=8 * GB, statm="1000 10 10")
    monkeypatch.setattr(memory, "_PROC", proc)
    monkeypatch.setattr(memory, "_CGROUPS", groups)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (GB, GB))
    assert memory.available() == GB - 1000 * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1000, 1000))
    assert memory.available() == 0


def test_a_real_limit_ends_in_a_sentence():
    """As under `ulimit -v`, in a process of its own."""
    pytest.importorskip("resource")
    script = (
        "import resource, numpy as np, hsgd, scipy.linalg\n"
        "rows = hsgd.GaussianRows(1.0, np.ones(2000))\n"
        "used = 4096 * int(open('/proc/self/statm').read().split()[0])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**28,) * 2)\n"
        "try:\n"
        "    rows.sample(40000, seed=0)\n"
        "except MemoryError as error:\n"
        "    assert 'ask for fewer rows' in str(error), error\n"
        "else:\n"
        "    raise SystemExit('was not refused')\n"
    )
    if not Path("/proc/self/statm").exists():
        pytest.skip("limits are read from /proc")
    environment = {**os.environ, "PYTHONPATH": str(Path(hsgd.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
