"""What a process compiles itself gives the bits of what an earlier one kept, in whatever order."""

import pytest

from tests.test_parts import run

SCRIPT = """
import hashlib, sys
import numpy as np, hsgd, simulate
A = np.random.default_rng(0).standard_normal((30, 37)) / 6
problem = hsgd.LeastSquares(A, A.sum(axis=1) + 1, ridge=0.1)
made = {
    "sgd": hsgd.SGD(0.3), "heavy": hsgd.HeavyBall(0.2, 0.7), "nesterov": hsgd.Nesterov(0.2, 0.7),
    "general": hsgd.GeneralMomentum(0.1, 0.1, 0.2), "adagrad": hsgd.AdaGradNorm(1.0, 1.0),
}
for name in sys.argv[1:]:
    runs = simulate.sgd(problem, made[name], [0, 1, 7], num_replicates=3, seed=0, engine="cpu")
    digest = hashlib.sha256(runs.empirical_risk.values.tobytes()).hexdigest()
    print(name, digest[:16])
"""
NAMES = ("sgd", "heavy", "nesterov", "general", "adagrad")


def bits(names, folder):
    done = run(SCRIPT, *names, limit=1200, NUMBA_CACHE_DIR=str(folder))
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_cold_cache_gives_the_bits_of_a_warm_one(tmp_path):
    cold = bits(NAMES, tmp_path / "one")
    assert len(set(cold.values())) == len(NAMES)
    assert bits(NAMES, tmp_path / "one") == cold
    assert bits(NAMES[::-1], tmp_path / "one") == cold
    assert bits(NAMES[::-1], tmp_path / "two") == cold
