"""The public functions: rates, limits and risk curves on isotropic data."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array, integer, number, plain_array, real_array
from hsgd.isotropic.measure import Measure

_FARTHEST = 1e6
"""From one, for ratios and for learning rates over critical: beyond it digits are lost."""


def critical_learning_rate(ratio: float, *, batch_size: int = 1) -> float:
    """Largest stable learning rate, 2B/ratio: ‖K‖ = ratio·γ/(2B) is one there.

    Parameters
    ----------
    ratio
        d/n > 0, which is also the mean squared row norm.
    batch_size
        Rows per iteration, few compared with n.

    References
    ----------
    arXiv:2102.04396, Theorem 1.2; docs, theory page, "Isotropic data".
    """
    return 2.0 * _batch(batch_size) / _ratio(ratio)


def transition_learning_rate(ratio: float, *, batch_size: int = 1) -> float:
    """γ* = 2B/(√r (r−√r+1)), r = ratio: above it the noise decides how fast the risk falls.

    Below, the slowest direction of the data does. At ratio 1 the transition is the critical rate.

    References
    ----------
    arXiv:2102.04396, Theorem 1.2; docs, theory page, "Isotropic data".
    """
    # notation: r = d/n
    r = _ratio(ratio)
    return 2.0 * _batch(batch_size) / (math.sqrt(r) * (r - math.sqrt(r) + 1.0))


def rate(learning_rate: float, ratio: float, *, batch_size: int = 1) -> float:
    """Exponential rate of approach per unit of time; negative: growth.

    2γ(1−√r)² up to the transition (times a power of time: t^{−3/2}, or t^{−1/2} at the
    transition), 2γz₊ beyond it, where z₊ is the root of ‖K‖-feedback below the spectrum.

    Examples
    --------
    >>> rate(0.5, 0.25)
    0.25
    """
    model = _measure(learning_rate, ratio, batch_size)
    if model.learning_rate == 0:
        return 0.0
    return 2.0 * model.learning_rate * (model.atom if model.split_off else model.lower)


def limiting_empirical_risk(
    learning_rate: float, ratio: float, *, noise: float, batch_size: int = 1
) -> float:
    """½ noise² (1−ratio)₊ / (1−‖K‖), for a learning rate > 0; infinite at and above critical.

    Examples
    --------
    >>> limiting_empirical_risk(1.0, 0.5, noise=1.0)
    0.3333333333333333
    """
    number("learning_rate", learning_rate, strict=True)
    model = _measure(learning_rate, ratio, batch_size)
    deviation = number("noise", noise)
    return math.inf if model.feedback >= 1.0 else model.floor(deviation)


def empirical_risk(
    time: ArrayLike,
    learning_rate: float,
    ratio: float,
    *,
    signal: float,
    noise: float = 0.0,
    batch_size: int = 1,
) -> Array:
    """Training risk ψ(t)/n of SGD on isotropic data.

    With r = ratio, c = 2B/(rγ), z± the roots of c z² − (1+r)(c−1)z + r(c−1)² = 0, l± = (1±√r)²::

        w(z) = signal·(c−1) + noise²·(r(c−1)−z)/z,
        ψ/n = floor + ∫_{l₋}^{l₊} e^{−2γxt} w(x) √((x−l₋)(l₊−x)) / (4π (x−z₊)(x−z₋)) dx
                    + [γ > γ*] e^{−2γz₊t} w(z₊) √((l₋−z₊)(l₊−z₊)) / (2(z₊−z₋)).

    Parameters
    ----------
    time
        Times ≥ 0 in units of n iterations, any shape.
    learning_rate
        γ ≥ 0, below or above critical.
    ratio
        r = d/n > 0.
    signal
        ‖x0−x*‖²/n ≥ 0.
    noise
        Standard deviation of the label noise.
    batch_size
        B, few compared with n.

    Returns
    -------
    array
        Same shape as `time`.

    Raises
    ------
    TypeError, ValueError
        For numbers that are negative, not finite, or no numbers.

    Warns
    -----
    UserWarning
        If the quadrature did not reach its tolerance.

    Notes
    -----
    Absolute error ≤ 1e-10·(signal + noise²) for |1−‖K‖| ≥ 1e-4. Nearer to critical the floor and
    the slowest mode are large and cancel (noise, ratio < 1), and a rate closer than 1e-8 to
    critical is replaced by one that close. One adaptive quadrature in an angle, in which the
    square roots are smooth; the density may be a narrow peak, which costs bisections, not accuracy.

    References
    ----------
    arXiv:2102.04396, Theorem 1.2 for signal; docs, theory page, "Isotropic data", for noise.

    Examples
    --------
    >>> empirical_risk([0.0], 0.7, 0.5, signal=1.0, noise=2.0).round(10)
    array([2.5])
    """
    model, times, shape, start, deviation = _checked(
        time, learning_rate, ratio, signal, noise, batch_size
    )
    if model.learning_rate == 0 or start == deviation == 0:
        return np.full(shape, 0.5 * (start + deviation**2))
    return model.away_from_critical().training(times, start, deviation).reshape(shape)


def population_risk(
    time: ArrayLike,
    learning_rate: float,
    ratio: float,
    *,
    signal: float,
    noise: float = 0.0,
    batch_size: int = 1,
) -> Array:
    """Risk ½E(a·x−b)² = ½(‖x−x*‖²/n + noise²) of SGD on a fresh isotropic row.

    With ρ, floor and atom those of `empirical_risk` and k = ‖K‖,

        ½ noise² + ½ signal (1−1/r)₊ + k·floor + (1−k) [∫ e^{−2γxt} ρ(x)/x dx + atom/z₊]
              + ½ noise² r ∫_{l₋}^{l₊} (1 − 2e^{−γxt})/x dμ.

    Parameters, returns, warnings and the promise are those of `empirical_risk`; with label noise
    the ratio must not be 1, where single terms are infinite, and near it digits are lost like
    1e-15/|1−ratio|.

    Raises
    ------
    TypeError, ValueError
        As `empirical_risk`; for ratio 1 with label noise.

    References
    ----------
    docs, theory page, "Isotropic data".

    Examples
    --------
    >>> population_risk([0.0], 0.7, 0.5, signal=1.0, noise=2.0).round(10)
    array([2.5])
    """
    model, times, shape, start, deviation = _checked(
        time, learning_rate, ratio, signal, noise, batch_size
    )
    if model.ratio == 1.0 and deviation > 0:
        raise ValueError(
            "at ratio 1 the population risk with label noise has no such form: pass ratio=1.001."
        )
    if model.learning_rate == 0 or start == deviation == 0:
        return np.full(shape, 0.5 * (start + deviation**2))
    return model.away_from_critical().population(times, start, deviation).reshape(shape)


def _checked(
    time: ArrayLike,
    learning_rate: float,
    ratio: float,
    signal: float,
    noise: float,
    batch_size: int,
) -> tuple[Measure, Array, tuple[int, ...], float, float]:
    times = plain_array("time", time)
    shape, times = times.shape, real_array("time", times.reshape(-1), 1, span=np.inf)
    if times.min() < 0:
        raise ValueError("time has negative entries: the start is time 0, pass times ≥ 0.")
    model = _measure(learning_rate, ratio, batch_size)
    return model, times, shape, number("signal", signal), number("noise", noise)


def _measure(learning_rate: float, ratio: float, batch_size: int) -> Measure:
    model = Measure(number("learning_rate", learning_rate), _ratio(ratio), _batch(batch_size))
    if model.feedback > _FARTHEST:
        raise ValueError(
            f"learning_rate is {model.feedback:.3g} times the critical one, where nothing but its "
            "divergence is to be said: pass one below critical_learning_rate(ratio)."
        )
    return model


def _ratio(value: float) -> float:
    ratio = number("ratio", value, strict=True)
    if not 1 / _FARTHEST <= ratio <= _FARTHEST:
        raise ValueError(
            f"ratio is {ratio:g}, but it must lie between {1 / _FARTHEST:g} and {_FARTHEST:g}: "
            "beyond, nothing is left of the limit in which n and d are alike."
        )
    return ratio


def _batch(value: int) -> int:
    return integer("batch_size", value, minimum=1)
