"""Real data that scikit-learn ships, so that no case needs a network."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np

from hsgd.checks import Array, integer, real_array

PATCH = 8
"""Side of a photograph patch, in pixels."""
REGION = 64
"""Side of the squares that belong to training or to test as a whole."""


class Split(NamedTuple):
    """Training and held-out data; targets ±1, centred by the training mean."""

    inputs: Array
    targets: Array
    inputs_test: Array
    targets_test: Array


def digits(n: int, *, seed: int) -> Split:
    """Handwritten digits, 8×8 pixels: target even (+1) or odd (−1).

    Parameters
    ----------
    n
        Training rows; the rest of the 1797 are held out.
    seed
        Seed of the split.
    """
    bunch = _sklearn_datasets().load_digits()
    return _split(bunch.data, np.where(bunch.target % 2 == 0, 1.0, -1.0), n, seed)


def photograph_patches(n: int, n_test: int, *, remove_mean: bool, seed: int) -> Split:
    """Patches 8×8×3 of two photographs; the target says which one a patch is from.

    Training and held-out patches come from disjoint regions: the photographs are cut into squares
    of 64 pixels, coloured like a chess board; no patch crosses a border.

    Parameters
    ----------
    n, n_test
        Training and held-out patches.
    remove_mean
        Subtract from each patch its own mean colour (the mean of each channel over its pixels).
        Kept, brightness is one direction that carries most of the variance; subtracting a mean
        over pixels and channels together would leave hue as another.
    seed
        Seed of the choice.

    Returns
    -------
    Split
        Inputs of shape (n, 192) and (n_test, 192), between −1 and 1.

    Notes
    -----
    Reading the photographs needs pillow.
    """
    sizes = (integer("n", n, minimum=1), integer("n_test", n_test, minimum=1))
    images = np.stack(_photographs()) / 255.0
    generator = np.random.default_rng(integer("seed", seed, minimum=0))
    parts = []
    for colour, size in enumerate(sizes):
        places = _places(images.shape, colour)
        if size > len(places):
            raise ValueError(
                f"{size} patches were asked for, but there are {len(places)}: ask less."
            )
        photograph, row, column = places[generator.permutation(len(places))[:size]].T
        windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
        patches = windows[photograph, row, column]  # (size, 3, PATCH, PATCH)
        if remove_mean:
            patches = patches - patches.mean(axis=(2, 3), keepdims=True)
        parts.append((patches.reshape(size, -1), np.where(photograph == 0, 1.0, -1.0)))
    return _centred(*parts)


def _photographs() -> list[Any]:
    try:
        return list(_sklearn_datasets().load_sample_images().images)
    except ImportError as error:
        raise ImportError(
            "reading the photographs needs pillow: pip install 'hsgd[validation]'."
        ) from error


def _places(shape: tuple[int, ...], colour: int) -> Array:
    """Photograph, row and column of every patch in the squares of one colour, shape (m, 3)."""
    photographs, height, width, _ = shape
    index = np.indices((photographs, height - PATCH + 1, width - PATCH + 1)).reshape(3, -1).T
    square = index[:, 1:] // REGION
    inside = (index[:, 1:] % REGION <= REGION - PATCH).all(axis=1)
    return np.asarray(index[inside & (square.sum(axis=1) % 2 == colour)])


def _split(inputs: Array, targets: Array, n: int, seed: int) -> Split:
    count = integer("n", n, minimum=1)
    if count >= len(inputs):
        raise ValueError(f"n is {n}, but there are {len(inputs)} rows: hold at least one out.")
    order = np.random.default_rng(integer("seed", seed, minimum=0)).permutation(len(inputs))
    train, test = order[:count], order[count:]
    return _centred((inputs[train], targets[train]), (inputs[test], targets[test]))


def _centred(train: tuple[Array, Array], test: tuple[Array, Array]) -> Split:
    mean = train[1].mean()
    return Split(train[0], train[1] - mean, test[0], test[1] - mean)


def _sklearn_datasets() -> Any:
    try:
        return importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise ImportError(
            "the data of this case come with scikit-learn: pip install 'hsgd[validation]'."
        ) from error


def coefficients(d: int, scale: float = 1.0, seed: int = 0) -> Array:
    """Entries N(0, scale²/d), shape (d,): a teacher of norm about `scale`."""
    generator = np.random.default_rng([integer("d", d, minimum=1), 20220507, seed])
    return np.asarray(scale / np.sqrt(d) * generator.standard_normal(d))


def rows_with_spectrum(eigenvalues: Array, n: int, *, seed: int) -> tuple[Array, Array]:
    """A (n, d) whose AᵀA has exactly these d ≤ n eigenvalues, and its eigenvectors (d, d).

    Left and right singular vectors are uniformly random, so that the rows are comparable.
    """
    values = real_array("eigenvalues", eigenvalues, 1)
    d = len(values)
    if d > n:
        raise ValueError(f"{n} rows cannot have {d} positive eigenvalues: take n ≥ {d}.")
    generator = np.random.default_rng([integer("seed", seed, minimum=0), n, d])
    left = np.linalg.qr(generator.standard_normal((n, d)))[0]
    right = np.linalg.qr(generator.standard_normal((d, d)))[0]
    return np.asarray((left * np.sqrt(values)) @ right.T), np.asarray(right)
