"""Random features: real inputs made into rows of norm about one."""

from __future__ import annotations

import math

import numpy as np

from hsgd import hermite
from hsgd.activations import Activation, as_activation
from hsgd.checks import Array, integer, real_array


def random_features(
    inputs: Array,
    inputs_test: Array,
    num_features: int,
    *,
    seed: int,
    activation: Activation | str = "relu",
) -> tuple[Array, Array]:
    """Rows (φ(Wx/‖x‖) − mean)/(standard deviation · √d) of centred inputs x, W Gaussian.

    Each input loses the mean of the *training* inputs and is scaled to norm 1, so that every entry
    of Wx/‖x‖ is N(0, 1) over the draw of W; mean and standard deviation are those of φ(g).

    Parameters
    ----------
    inputs, inputs_test
        Shapes (n, n0) and (n_test, n0).
    num_features
        d.
    seed
        Seed of W.
    activation
        φ: an `Activation` or the name of one.

    Returns
    -------
    (array, array)
        Shapes (n, d) and (n_test, d); rows of norm about 1.
    """
    train = real_array("inputs", inputs, 2)
    test = real_array("inputs_test", inputs_test, 2)
    if train.shape[1] != test.shape[1]:
        raise ValueError(
            f"inputs have {train.shape[1]} columns but inputs_test {test.shape[1]}: "
            "they must match."
        )
    d = integer("num_features", num_features, minimum=1)
    phi = as_activation(activation)
    constants = hermite.constants(phi)
    scale = constants.standard_deviation * math.sqrt(d)
    weights = np.random.default_rng(seed).standard_normal((d, train.shape[1]))
    mean = train.mean(axis=0)

    def features(rows: Array) -> Array:
        moved = rows - mean
        norms = np.linalg.norm(moved, axis=1, keepdims=True)
        images = (moved / np.where(norms > 0, norms, 1.0)) @ weights.T
        return np.asarray((phi(images) - constants.mean) / scale)

    return features(train), features(test)
