"""Steps of a diffusion whose noise is proportional to the square root of its own loss."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulate.engines.cpu.kernels.copying import copy
from simulate.engines.cpu.lanes import fill_normals
from simulate.numba_policy import cached, compiled
from simulate.randomness.normals import BROWNIAN


class Modes(NamedTuple):
    """The diffusion's constants, one entry for each mode; see `engines.sde.Diffusion`."""

    relaxation: Any
    end: Any
    slope: Any
    target: Any
    floor: float


class Factors(NamedTuple):
    """What a step of a given length at a given rate multiplies by; the last pair that was used."""

    held: Any
    """Rate and length, shape (2,); NaN before the first."""
    decay: Any
    """e^{−γrh}."""
    half_decay: Any
    """e^{−γrh/2}."""
    half_variance: Any
    """What noise of unit strength adds to the variance of the mode in half a step."""
    amplitude: Any
    """Standard deviation that it adds in a step."""


@compiled
def prepare(modes: Any, factors: Any, rate: float, length: float) -> None:
    """Fill in the factors of a step."""
    for j in range(modes.slope.size):
        speed = rate * modes.relaxation[j]
        strength = (rate * modes.slope[j]) ** 2
        factors.half_decay[j] = np.exp(-0.5 * speed * length)
        factors.decay[j] = factors.half_decay[j] ** 2
        # (1 − e^{−2·speed·time})/(2·speed), which is the time itself for a mode at rest
        half, whole = 0.5 * length, length
        if speed > 0.0:
            half = -np.expm1(-speed * length) / (2.0 * speed)
            whole = -np.expm1(-2.0 * speed * length) / (2.0 * speed)
        factors.half_variance[j] = strength * half
        factors.amplitude[j] = np.sqrt(strength * whole)
    factors.held[0] = rate
    factors.held[1] = length


@compiled
def expected_loss_half_way(modes: Any, factors: Any, noise: float, x: Any) -> Any:
    """E of the loss half a step ahead, if the noise stays as strong as it is now."""
    now, ahead, spread = modes.floor, modes.floor, 0.0
    for j in range(x.size):
        residual = modes.slope[j] * x[j] - modes.target[j]
        now += residual * residual
        later = modes.end[j] + (x[j] - modes.end[j]) * factors.half_decay[j]
        residual = modes.slope[j] * later - modes.target[j]
        ahead += residual * residual
        spread += modes.slope[j] ** 2 * factors.half_variance[j]
    return 0.5 * (ahead + noise * 0.5 * now * spread)


@cached
def diffuse(  # type: ignore[no-untyped-def]
    modes, key, rates, lengths, noises, first, last, records, points, x, normals, words, factors
):
    """Steps first, …, last − 1; see `driver.Replicate.advance`.

    `rates`, `lengths` and `noises` begin at step `first`.
    """
    recorded = 0
    for k in range(first, last + 1):
        if recorded < records.size and records[recorded] == k:
            copy(x, points[recorded])
            recorded += 1
        if k == last:
            break
        rate, length, noise = rates[k - first], lengths[k - first], noises[k - first]
        if factors.held[0] != rate or factors.held[1] != length:
            prepare(modes, factors, rate, length)
        loss = expected_loss_half_way(modes, factors, noise, x)
        if not np.isfinite(loss):
            return recorded, False
        fill_normals(key, BROWNIAN, k, normals, words)
        strength = np.sqrt(noise * loss)
        for j in range(x.size):
            kept = modes.end[j] + (x[j] - modes.end[j]) * factors.decay[j]
            x[j] = kept + strength * factors.amplitude[j] * normals[j]
    return recorded, True
