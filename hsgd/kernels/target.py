"""What a target has along the eigenfunctions of a kernel, from samples."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from hsgd.checks import real_array, vector
from hsgd.kernels.modes import KernelModes
from hsgd.machine import memory
from hsgd.problems.spectrum import Spectrum


def spectrum_of_target(modes: KernelModes, inputs: ArrayLike, targets: ArrayLike) -> Spectrum:
    """Eigenvalues of a kernel, and the power that a target has along each, from a sample of it.

    Learning curves follow from it: `hsgd.eigenframeworks.ridge_regression(spectrum, n)`, or
    `hsgd.predict(spectrum.sampled(n), …)`.

    Parameters
    ----------
    modes
        From `hermite_modes` or `gaussian_modes`.
    inputs
        Shape (m, d), on the principal axes and centred, as the modes are.
    targets
        Shape (m,), centred. (Of several outputs, one at a time: their powers add up.)

    Returns
    -------
    Spectrum
        The modes' eigenvalues, and the target's power along the first m/2 of them; what these do
        not explain is noise.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, less than four samples, or a target that is zero.

    Notes
    -----
    On real inputs the eigenfunctions are not orthogonal, and powers that are estimated one by one
    add up to many times the target's variance. So each eigenfunction counts with what is new in
    it after those before (a QR decomposition on the sample), c_a = q_a·y/√m, and the power is c_a²
    less what noise adds, σ²/m with σ² m/(m−P) of the residual. Samples resolve no more
    than some of their own number of modes, and a learning curve is good up to about that many
    samples. Cost: O(m³/4).

    References
    ----------
    Docs, theory page, "Kernels".
    """
    if not isinstance(modes, KernelModes):
        raise TypeError(
            f"modes is a {type(modes).__name__}: pass those of hsgd.kernels.gaussian_modes or "
            "hermite_modes."
        )
    X = real_array("inputs", inputs, 2)
    y = vector("targets", targets, len(X))
    m, count = len(X), min(len(modes.eigenvalues), len(X) // 2)
    if m < 4 or not y.any():
        raise ValueError("targets need at least four samples, of which one is not zero.")
    memory.check(8 * 3 * m * count, f"{count} eigenfunctions at {m} samples", "samples")
    directions, _ = scipy.linalg.qr(modes.first(count).functions(X), mode="economic")
    squares = (directions.T @ y) ** 2 / m
    variance = float(y @ y) / m
    # notation: σ² of what no mode explains; each direction has m'th of it by chance
    left = max(variance - float(squares.sum()), 0.0) * m / (m - count)
    power = np.zeros(len(modes.eigenvalues))
    power[:count] = np.maximum(squares - left / m, 0.0)
    explained, total = max(variance - left, 0.0), float(power.sum())
    power *= explained / total if total > 0 else 0.0
    return Spectrum(modes.eigenvalues, power, left**0.5)
