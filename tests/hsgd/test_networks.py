"""Networks at their start: their Gram matrices, and how long they stay linear."""

import importlib.util

import numpy as np
import pytest
from sklearn.datasets import load_digits

import hsgd
import simulate
import validation
from hsgd import kernels, networks

HAS_TORCH = importlib.util.find_spec("torch") is not None


def gradients(network, X):
    """By the chain rule, all weights one after the other."""
    hidden, slopes = network.hidden(X)
    first = (slopes * network.last)[:, :, None] * X[:, None, :] / np.sqrt(X.shape[1])
    return np.concatenate([hidden, first.reshape(len(X), -1)], axis=1)


def test_the_gram_matrix_is_that_of_the_gradients():
    rng = np.random.default_rng(0)
    network, X = networks.TwoLayer.random(7, 3, seed=1), rng.standard_normal((5, 3))
    J = gradients(network, X)
    np.testing.assert_allclose(network.gram(X, X[:2]), J @ J[:2].T)
    # And these are derivatives of the outputs.
    step = 1e-6 * rng.standard_normal(7), 1e-6 * rng.standard_normal((7, 3))
    moved = networks.TwoLayer(network.weights + step[1], network.last + step[0])
    change = J @ np.concatenate([step[0], step[1].ravel()])
    np.testing.assert_allclose(moved.outputs(X) - network.outputs(X), change, atol=1e-10)
    parts = [networks.TwoLayer(network.weights, network.last, **{f"train_{layer}": False})
             for layer in ("first", "last")]  # fmt: skip
    np.testing.assert_allclose(sum(part.gram(X, X) for part in parts), network.gram(X, X))


def test_a_wide_network_has_the_kernel_of_infinite_width():
    X, gaps = np.random.default_rng(0).standard_normal((4, 5)), []
    exact = kernels.arc_cosine(X, depth=1).gradients / 2  # whose first layer has a factor 2 more
    for width in (1000, 16_000):
        found = [networks.TwoLayer.random(width, 5, seed=s).gram(X, X) for s in range(8)]
        gaps.append(np.sqrt(np.mean((np.array(found) - exact) ** 2)))
    assert 2.4 < gaps[0] / gaps[1] < 6.7  # four, from 24 · 16 entries that are not independent
    assert gaps[1] < 0.05 * exact.max()


def digits(count):
    X, labels = load_digits(return_X_y=True)
    X = X - X.mean(axis=0)
    X *= np.sqrt(64) / np.linalg.norm(X, axis=1, keepdims=True)
    y = np.where(labels % 2 == 0, 1.0, -1.0)
    return X[:count], y[:count], X[count : 2 * count], y[count : 2 * count]


def trained(network, X, y, rate, rows):
    """SGD on the network itself, one row a step; its outputs on all rows in the end."""
    W, a = network.weights.copy(), network.last.copy()
    scale, root = np.sqrt(2.0 / network.width), np.sqrt(X.shape[1])
    for row in rows:
        before = W @ X[row] / root
        hidden, slopes = scale * np.maximum(before, 0), scale * (before > 0)
        residual = hidden @ a - y[row]
        a, W = (
            a - rate * residual * hidden,
            W - rate * residual * np.outer(slopes * a, X[row]) / root,
        )
    return networks.TwoLayer(W, a).outputs(X)


def test_the_gap_to_the_network_itself_falls_like_one_over_the_root_of_its_width():
    """The same rows in the same order, two passes at a quarter of the critical learning rate."""
    X, y, *_ = digits(100)
    rows = np.random.default_rng(0).integers(0, 100, 200)
    widths, gaps = [1024, 4096, 16384], []
    for width in widths:
        apart = []
        for seed in range(3):
            network = networks.TwoLayer.random(width, 64, seed=seed)
            problem = networks.linearised(network, X, y)
            rate = 0.25 * hsgd.critical_learning_rate(problem)
            x = problem.x0.copy()
            for row in rows:
                x = x - rate * (problem.A[row] @ x - problem.b[row]) * problem.A[row]
            linear = problem.A @ x + network.outputs(X)
            real = trained(network, X, y, rate, rows)
            apart.append(np.linalg.norm(real - linear) / np.linalg.norm(linear))
        gaps.append(np.mean(apart))
    slope = np.polyfit(np.log(widths), np.log(gaps), 1)[0]
    assert -0.68 < slope < -0.38  # narrower ones are steeper: -0.65 from 64 to 4096
    assert gaps[-1] < 0.005


def test_the_theory_describes_a_network_of_width_4096_on_digits():
    X, y, *test = digits(300)
    network = networks.TwoLayer.random(4096, 64, seed=0)
    problem = networks.linearised(network, X, y, test=tuple(test))
    sgd = hsgd.SGD(0.25 * hsgd.critical_learning_rate(problem))
    time = hsgd.times(problem, sgd, epochs=5, num=20)
    theory = hsgd.predict(problem, sgd, time)
    runs = simulate.sgd(problem, sgd, time, num_replicates=48, seed=0)
    assert validation.compare(theory, runs).attrs["agrees"]
    other = hsgd.predict(problem, hsgd.SGD(1.6 * sgd.learning_rate), time)
    assert not validation.compare(other, runs, same_algorithm=False).attrs["agrees"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: networks.linearised(3, np.eye(2), [1, 2]), "network is a int: pass"),
        (
            lambda: networks.linearised(networks.TwoLayer.random(4, 3, seed=0), np.eye(2), [1, 2]),
            "has 2 columns but the network takes 3",
        ),
        (
            lambda: networks.linearised(
                networks.TwoLayer.random(4, 2, seed=0), np.eye(2), [1, 2], test=3
            ),
            "must be a pair",
        ),
        (lambda: networks.TwoLayer(np.eye(2), [1, 2, 3]), "last has 3 entries"),
        (
            lambda: networks.TwoLayer(np.eye(2), [1, 2], train_first=False, train_last=False),
            "nothing moves",
        ),
    ],
)
def test_bad_arguments_get_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not HAS_TORCH, reason="needs PyTorch")
def test_a_network_in_pytorch_is_the_same_network():
    import torch

    mine = networks.TwoLayer.random(20, 3, seed=0)
    first, last = torch.nn.Linear(3, 20, bias=False), torch.nn.Linear(20, 1, bias=False)
    first, last = first.double(), last.double()
    with torch.no_grad():
        first.weight[:] = torch.tensor(mine.weights.copy())
        last.weight[:] = torch.tensor(mine.last.copy())

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = first, last

        def forward(self, x):
            return self.last(torch.relu(self.first(x) / 3**0.5)) * (2 / 20) ** 0.5

    theirs, X = networks.from_torch(Net(), chunk=2), np.random.default_rng(1).normal(size=(5, 3))
    np.testing.assert_allclose(theirs.outputs(X), mine.outputs(X))
    np.testing.assert_allclose(theirs.gram(X, X[:3]), mine.gram(X, X[:3]))
    problem = networks.linearised(theirs, X, X[:, 0])
    assert problem.shape == (5, 5)
    first.requires_grad_(requires_grad=False)
    frozen = networks.TwoLayer(mine.weights, mine.last, train_first=False)
    again = networks.from_torch(Net())
    np.testing.assert_allclose(again.gram(X, X), frozen.gram(X, X))
    with pytest.raises(TypeError, match=r"module is a int: pass a torch.nn.Module"):
        networks.from_torch(3)
    last.requires_grad_(requires_grad=False)
    with pytest.raises(ValueError, match="nothing would be trained"):
        networks.from_torch(Net())
