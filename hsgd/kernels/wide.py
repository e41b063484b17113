"""Kernels of fully connected ReLU networks of infinite width, whatever their depth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array, integer, number, real_array
from hsgd.nouns import Real, Whole

_DEEPEST = 10_000


class NetworkKernels(NamedTuple):
    """Gram matrices of a network of infinite width, shape (m, n) each."""

    outputs: Array
    """Covariance of the outputs at random weights: features of the last layer, if that alone is
    trained ("NNGP")."""
    gradients: Array
    """Inner products of the gradients by all weights: of the network linearised at its start
    ("NTK")."""


def arc_cosine(
    inputs: ArrayLike,
    others: ArrayLike | None = None,
    *,
    depth: Whole = 1,
    weight_variance: Real = 2.0,
    bias_variance: Real = 0.0,
) -> NetworkKernels:
    """Kernels of a ReLU network with `depth` hidden layers, as its width grows without end.

    Layers are h ↦ W relu(h)/√width · σ_w + σ_b b with standard normal W and b, all of them trained
    at one rate; the first takes x/√d.

    Parameters
    ----------
    inputs, others
        Shapes (m, d) and (n, d); the kernel is between the two, or of `inputs` with themselves.
    depth
        Number of hidden layers.
    weight_variance, bias_variance
        σ_w² and σ_b²; 2 keeps the norms from layer to layer.

    Returns
    -------
    NetworkKernels
        `outputs` and `gradients`: `hsgd.kernels.problem_of_gram` makes problems of them.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, or variances that are negative or not finite.

    Notes
    -----
    Exact in the limit; at width w entries differ by O(1/√w). Cost: O(mn(d + depth)).

    References
    ----------
    Y. Cho, L. Saul, NeurIPS 2009; A. Jacot, F. Gabriel, C. Hongler, arXiv:1806.07572.

    Examples
    --------
    >>> import numpy as np
    >>> found = arc_cosine(np.eye(2), depth=3)
    >>> bool(np.allclose(np.diag(found.outputs), 1.0))
    True
    """
    x = real_array("inputs", inputs, 2)
    y = x if others is None else real_array("others", others, 2)
    if y.shape[1] != x.shape[1]:
        raise ValueError(
            f"inputs has {x.shape[1]} columns and others {y.shape[1]}: they must be the same."
        )
    layers = integer("depth", depth, minimum=1, maximum=_DEEPEST)
    weight, bias = (
        number("weight_variance", weight_variance),
        number("bias_variance", bias_variance),
    )
    d = x.shape[1]
    between = weight * (x @ y.T) / d + bias
    own = [weight * np.einsum("ij,ij->i", z, z) / d + bias for z in (x, y)]
    gradients = between.copy()
    for _ in range(layers):
        norms = np.sqrt(np.outer(*own))
        with np.errstate(invalid="ignore", divide="ignore"):
            cosine = np.clip(np.where(norms > 0, between / norms, 0.0), -1.0, 1.0)
        # notation: κ₀, κ₁ = the arc-cosine functions, 1 at equal inputs
        angle = np.arccos(cosine)
        zero = 1.0 - angle / np.pi
        one = (np.sqrt(1.0 - cosine**2) + (np.pi - angle) * cosine) / np.pi
        between = 0.5 * weight * norms * one + bias
        own = [0.5 * weight * values + bias for values in own]
        gradients = between + 0.5 * weight * zero * gradients
    return NetworkKernels(between, gradients)
