"""Where nothing can be written, neither beside the sources nor at home, kernels still compile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import hsgd

SCRIPT = """
import numpy as np

import hsgd.theory.dynamics.stepping_kernel
import simulate.engines.cpu.kernels.dense
from volterra.recursion.loop import iterate

assert hsgd.__file__.startswith({root!r}), hsgd.__file__
try:
    import cached
except RuntimeError as error:
    print("refused:", error)
y, source = np.ones(3), np.ones(3)
iterate(np.full(2, 0.5), np.ones(2), y, np.zeros(3), source, np.zeros(3), False, 1e-16)
print(y.tolist())
"""
KERNEL = "import numba\n\n\n@numba.njit(cache=True)\ndef kernel(x):\n    return x\n"


def test_kernels_compile_where_nothing_can_be_written(tmp_path):
    home = Path(hsgd.__file__).parents[1]
    root = tmp_path / "installed"
    for package in ("hsgd", "volterra", "simulate"):
        shutil.copytree(
            home / package, root / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    (root / "cached.py").write_text(KERNEL)
    # Permissions do not stop an administrator; a file where a folder is wanted stops everybody.
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").touch()
        folder.chmod(0o555)
    variables = {name: value for name, value in os.environ.items() if "CACHE" not in name}
    variables |= {"HOME": "/dev/null", "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(root=str(root))],
            cwd=root,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    # What Numba does by itself is the negative control: there really was no place to write to.
    assert "refused: cannot cache function" in done.stdout
    assert "[1.0, 3.0, 4.0]" in done.stdout


FULL = """
import errno, warnings
import numpy as np
from numba.core import caching

def full(self, name, data):
    raise OSError(errno.ENOSPC, "No space left on device")

caching.IndexDataCacheFile._save_data = full
import hsgd, simulate
from volterra.recursion.loop import iterate

with warnings.catch_warnings(record=True) as given:
    warnings.simplefilter("always")
    y = np.ones(3)
    iterate(np.full(2, 0.5), np.ones(2), y, np.zeros(3), np.ones(3), np.zeros(3), False, 1e-16)
    assert y.tolist() == [1.0, 3.0, 4.0], y
    problem = hsgd.LeastSquares(np.eye(3), np.ones(3))
    # Of the kernels the one that takes least to compile; all are kept in the same way.
    runs = simulate.diffusion(problem, hsgd.SGD(0.5), [0.0, 1.0], seed=0)
    assert np.isfinite(runs.empirical_risk).all()
said = [str(one.message) for one in given if "compiled code cannot be kept" in str(one.message)]
assert len(said) >= 2, given
assert "NUMBA_CACHE_DIR" in said[0]
"""


def test_a_full_disk_costs_a_compilation_and_a_warning(tmp_path):
    """What a full disk does where compiled code is kept; the next process compiles again."""
    home = str(Path(hsgd.__file__).parents[1])
    variables = {**os.environ, "PYTHONPATH": home, "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", FULL], env=variables, check=True)
