"""From a network and data to the problem that SGD solves while the network is nearly linear."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import SPAN, Array, real_array, vector
from hsgd.kernels.gram import problem_of_gram
from hsgd.nouns import Swept
from hsgd.problems.least_squares import LeastSquares


@runtime_checkable
class Network(Protocol):
    """A network with one output, at the parameters that it starts from."""

    def outputs(self, inputs: Array) -> Array:
        """f(x), shape (n, d) → (n,)."""
        ...

    def gram(self, inputs: Array, others: Array) -> Array:
        """Inner products of the gradients of f by all parameters, (m, d) and (n, d) → (m, n)."""
        ...


def linearised(
    network: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    ridge: Swept = 0.0,
    test: tuple[ArrayLike, ArrayLike] | None = None,
) -> LeastSquares:
    """A network's problem at its start: least squares on its gradients, targets less its outputs.

    SGD on it is SGD on the network while its gradients are those of the start: the wider it is, the
    longer (differences fall like 1/√width). Learning rates are the network's own: of
    ½(f(x)−y)² for a row, and the mean over a batch.

    Parameters
    ----------
    network
        `TwoLayer`, `from_torch(module)`, or anything with `outputs` and `gram`.
    X, y
        Inputs, shape (n, d), and targets, shape (n,).
    ridge
        δ of the sum, towards the parameters at the start.
    test
        `(X_test, y_test)`, held-out rows, for the population risk.

    Returns
    -------
    LeastSquares
        In the basis of the gradients' Gram matrix: its parameters are not the network's, but their
        distances are.

    Raises
    ------
    TypeError, ValueError
        For another object, wrong shapes, outputs or gradients that are not finite.

    Notes
    -----
    Cost: the Gram matrix, and its decomposition, O(n³). Not captured: gradients that move, which is
    what feature learning is.

    References
    ----------
    A. Jacot, F. Gabriel, C. Hongler, arXiv:1806.07572; docs, page "Networks".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> network = hsgd.networks.TwoLayer.random(1000, 8, seed=0)
    >>> problem = hsgd.networks.linearised(network, X, X[:, 0])
    >>> problem.shape
    (50, 50)
    """
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}: pass hsgd.networks.TwoLayer, "
            "hsgd.networks.from_torch(module), or an object with the methods outputs and gram."
        )
    inputs = real_array("X", X, 2)
    targets = vector("y", y, len(inputs))
    gram = real_array("gram", network.gram(inputs, inputs), 2, span=SPAN**2)
    held_out: Any = None
    if test is not None:
        if not isinstance(test, tuple) or len(test) != 2:
            raise TypeError("test must be a pair (X_test, y_test) of held-out rows.")
        rows = real_array("X_test", test[0], 2)
        wanted = vector("y_test", test[1], len(rows))
        held_out = network.gram(rows, inputs), wanted - _outputs(network, rows)
    symmetric = 0.5 * (gram + gram.T)
    return problem_of_gram(
        symmetric, targets - _outputs(network, inputs), ridge=ridge, test=held_out
    ).replace(preparation={"linearised": type(network).__name__})


def _outputs(network: Network, inputs: Array) -> Array:
    found = np.asarray(network.outputs(inputs), dtype=np.float64)
    if found.shape != (len(inputs),):
        raise ValueError(
            f"the network's outputs have shape {found.shape}: so far networks of a single output "
            "are covered, so pass one that gives a number for each row."
        )
    return vector("the network's outputs", found, len(inputs))
