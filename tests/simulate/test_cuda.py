"""The CUDA engine where there is no GPU: simulated, and compiled for three generations of them.

Each in a process of its own: the simulator must be chosen before Numba is first imported, and a
compiler that found no driver would not look again.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hsgd
from hsgd.algorithms.sgd import SGD
from simulate import sgd
from simulate.rules.registry import rules

HERE = Path(__file__).parent


def run(script: str, *arguments: str, **variables: str) -> str:
    home = str(Path(hsgd.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, str(HERE / script), *arguments],
        env={**os.environ, "PYTHONPATH": home, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(
    importlib.util.find_spec("numba.cuda") is None,
    reason="this Numba has no CUDA simulator of its own: pip install 'hsgd[cuda]'",
)
def test_the_simulated_engine_agrees_with_the_reference(tmp_path):
    assert "all agree" in run("cuda_simulated.py", str(tmp_path), NUMBA_ENABLE_CUDASIM="1")


@pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None,
    reason="compiling for GPUs needs the extra cuda (200 MB): pip install 'hsgd[cuda]'",
)
def test_every_kernel_compiles():
    out = run("cuda_ptx.py")
    number = 3 + 2 * (5 + 4 * len(rules()))  # 3 draw rows; 5 take steps, the others have rules
    for capability in ("(7, 5)", "(8, 0)", "(9, 0)"):
        assert out.count(f"{capability}: ") == number


def test_without_a_gpu_it_is_refused_in_one_sentence(build):
    from numba import cuda

    if cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ValueError, match=r"needs an NVIDIA GPU .* use engine='cpu'"):
        sgd(build(), SGD(0.4), [1.0], seed=0, engine="cuda")
