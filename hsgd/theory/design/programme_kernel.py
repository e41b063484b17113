"""The loops of `programme`, compiled."""

from __future__ import annotations

from hsgd.checks import Array
from volterra.compiling import compiled


@compiled
def forward(
    rates: Array,
    factor: float,
    eigenvalues: Array,
    driven: Array,
    half_decay: Array,
    half_source: Array,
    source: Array,
    flow: Array,
    flow_middle: Array,
    variances: Array,
    loss: Array,
    loss_middle: Array,
) -> None:
    """Variances at every edge, shape (cells + 1, modes), the first given; twice Ψ of each cell."""
    for i in range(rates.size):
        V, later = variances[i], variances[i + 1]
        first, middle, echo = flow[i], flow_middle[i], 0.0
        for j in range(eigenvalues.size):
            first += eigenvalues[j] * V[j]
            middle += eigenvalues[j] * half_decay[i, j] * V[j]
            echo += eigenvalues[j] * driven[j] * half_source[i, j]
        middle += factor * rates[i] * echo * first
        loss[i], loss_middle[i] = first, middle
        drive = factor * rates[i] * middle
        for j in range(eigenvalues.size):
            h = half_decay[i, j]
            later[j] = h * h * V[j] + drive * driven[j] * source[i, j]


@compiled
def backward(
    rates: Array,
    factor: float,
    eigenvalues: Array,
    driven: Array,
    half_decay: Array,
    half_source: Array,
    source: Array,
    loss: Array,
    loss_middle: Array,
    of_variances: Array,
    by_rate: Array,
) -> None:
    """Derivatives of a sum over the last variances, whose weights are `of_variances`, by rates."""
    for i in range(rates.size - 1, -1, -1):
        worth, echo = 0.0, 0.0
        for j in range(eigenvalues.size):
            worth += of_variances[j] * driven[j] * source[i, j]
            echo += eigenvalues[j] * driven[j] * half_source[i, j]
        by_middle = factor * rates[i] * worth
        by_rate[i] = factor * (worth * loss_middle[i] + echo * loss[i] * by_middle)
        by_first = factor * rates[i] * echo * by_middle
        for j in range(eigenvalues.size):
            h = half_decay[i, j]
            of_variances[j] = h * h * of_variances[j] + eigenvalues[j] * (h * by_middle + by_first)
