"""What is loaded when, and what is said where a part is missing. Each in a process of its own."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(code, *arguments, cwd=None, limit=200, **environment):
    """Run a program; the packages are those of this process, wherever that found them."""
    paths = os.pathsep.join(p or str(Path.cwd()) for p in sys.path)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=limit,
        env={**os.environ, "PYTHONPATH": paths, **environment}, cwd=cwd, check=False,
    )  # fmt: skip


# --- lightness ---

HEAVY = ("numba", "sympy", "matplotlib", "sklearn", "mpmath", "h5py", "h5netcdf", "zarr")

LIGHT = f"""
import sys
import numpy, xarray
before = set(sys.modules)
import hsgd, simulate, validation
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
assert new <= {{"hsgd", "simulate", "validation"}} | set(sys.stdlib_module_names), new
import volterra
problem = hsgd.GaussianRows  # the first name asked for loads its module
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
"""


def test_importing_loads_nothing_beyond_numpy_and_xarray():
    done = run(LIGHT)
    assert done.returncode == 0, done.stderr


FIRST = f"""
import sys
import numpy as np, hsgd
rng = np.random.default_rng(0)
A = rng.standard_normal((300, 200)) / np.sqrt(200)
problem = hsgd.LeastSquares(A, A.sum(axis=1), ridge=0.1)
sgd = hsgd.SGD(0.5 * hsgd.critical_learning_rate(problem))
curve = hsgd.predict(problem, sgd, np.linspace(0, 20, 401))
loaded = [name for name in {(*HEAVY, "scipy.optimize", "scipy.stats")} if name in sys.modules]
assert not loaded, loaded
assert curve.attrs["status"].startswith("The tolerance is met")
"""


def test_the_first_prediction_compiles_nothing(tmp_path):
    """Without numba loaded there is nothing to compile, cache or not."""
    done = run(FIRST, NUMBA_CACHE_DIR=str(tmp_path / "empty"))
    assert done.returncode == 0, done.stderr


# --- parts that are missing ---

BLOCKED = """
import sys, importlib.abc

class Blind(importlib.abc.MetaPathFinder):
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            return None
        return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):  # what else finders can do
        return getattr(self.finder, name)

sys.meta_path[:] = [Blind(finder) for finder in sys.meta_path]
import warnings
warnings.simplefilter("ignore")
import numpy as np, hsgd, simulate, validation
A = np.random.default_rng(0).standard_normal((30, 5))
problem = hsgd.LeastSquares(A, A.sum(axis=1), ridge=0.1)
sgd = hsgd.SGD(0.1)
theory = hsgd.predict(problem, sgd, [0.0, 1.0])
runs = simulate.sgd(problem, sgd, theory.time, num_replicates=8, seed=0, engine="reference")
hsgd.dataset.save(theory, "theory.nc")
assert hsgd.dataset.load("theory.nc").identical(theory)
for action in sys.argv[2:]:
    try:
        exec(action)
    except Exception as error:
        print(type(error).__name__, error)
"""
EXTRAS = "matplotlib,zarr,numba_cuda,distributed,dask,sklearn"
REMEDIES = {
    "hsgd.plotting.plot(theory)": r"hsgd\[plot\]",
    "hsgd.dataset.save(theory, 'theory.zarr')": r"hsgd\[zarr\]",
    "simulate.sgd(problem, sgd, [0.0, 1.0], seed=0, engine='cuda')": r"hsgd\[cuda\]|NVIDIA",
    "simulate.sgd(problem, sgd, [0.0, 1.0], seed=0, client='tcp://here')": r"distributed\.Client",
    "from validation import data; data.digits(30, seed=0)": r"hsgd\[validation\]",
}


def test_without_extras_the_rest_works_and_each_remedy_is_said(tmp_path):
    """All extras are missing at once; each action is refused in one line, with its own remedy."""
    done = run(BLOCKED, EXTRAS, *REMEDIES, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    messages = done.stdout.splitlines()
    assert len(messages) == len(REMEDIES), messages
    for message, remedy in zip(messages, REMEDIES.values(), strict=True):
        assert re.search(remedy, message), message
        assert message.endswith("."), message


# --- what the distribution promises ---


@pytest.mark.skipif(not (ROOT / "requirements").is_dir(), reason="not in a checkout")
def test_the_lock_for_development_satisfies_the_project():
    """Every requirement of every extra is pinned, to a version that it allows."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {}
    for line in (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"([\w.-]+)==([\w.+!-]+)(?: ;.*)?", line):
            pinned[canonicalize_name(match[1])] = Version(match[2])
    extras = project["optional-dependencies"]
    named = ("dev", "test", "validation", "plot", "zarr", "distributed", "docs")
    wanted = project["dependencies"] + [r for name in named for r in extras.get(name, ())]
    asked = [Requirement(text) for text in wanted]
    ours = [one for one in asked if canonicalize_name(one.name) != "hsgd"]
    assert len(ours) > 15
    for one in ours:
        version = pinned.get(canonicalize_name(one.name))
        assert version is not None, f"{one} is not in the lock: remake it"
        assert one.specifier.contains(version, prereleases=True), f"{one}, not {version}"


@pytest.mark.skipif(not (ROOT / "hsgd").is_dir(), reason="the staged tests have no packages")
@pytest.mark.parametrize("package", ["hsgd", "simulate", "validation", "volterra"])
def test_every_package_is_typed(package):
    assert (ROOT / package / "py.typed").is_file()


PLAIN = """
import numpy as np, hsgd, simulate
problem = hsgd.GaussianRows(1 / 9, np.ones(9)).sample(12, seed=0)
hsgd.predict(problem, hsgd.SGD(hsgd.CosineDecay(0.3, 2.0)), [0.0, 1.0])
simulate.sgd(problem, hsgd.SGD(0.3), [0.0, 1.0], seed=0, engine="cpu")
"""


def test_without_compilation_everything_runs_as_plain_python():
    done = run(PLAIN, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr
