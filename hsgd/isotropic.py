"""SGD on isotropic data in closed form: Marchenko–Pastur in, a risk curve out, no equation solved.

Rows a ~ N(0, I/n) in d = ratio·n dimensions, targets b = a·x* + noise·N(0, 1), no ridge, n → ∞.
The risk is the Laplace transform of an explicit measure: a density on the Marchenko–Pastur
interval, an atom that splits off below it when the learning rate passes a transition, and an atom
at zero, the floor that label noise leaves. It is an independent route to what `predict` computes
from data, and shares no code with it.

Units are the package's: time = iterations/n, risks are means over rows with the factor ½,
`signal` = E(a·(x0−x*))² = ‖x0−x*‖²/n is the variance of a noiseless residual at the start, `noise`
the standard deviation of the label noise. Rows of another mean squared norm v (here it is `ratio`)
are covered too: multiply the learning rate by v/ratio.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import quad_vec

from hsgd.checks import Array, integer, number, real_array

_TOLERANCE = 1e-12
_CRITICAL_GAP = 1e-8
"""Closer than this to critical (relative), floor and slow mode cannot be told apart."""


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
    model = _Model.checked(learning_rate, ratio, batch_size)
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
    model = _Model.checked(learning_rate, ratio, batch_size)
    deviation = number("noise", noise)
    return math.inf if model.feedback >= 1.0 else model.floor(deviation)


def empirical_risk(
    time: Any,
    learning_rate: float,
    ratio: float,
    *,
    signal: float,
    noise: float = 0.0,
    batch_size: int = 1,
) -> Array:
    """Training risk ψ(t)/n of SGD on isotropic data.

    With r = ratio, c = 2B/(rγ), z± the roots of c z² − (1+r)(c−1)z + r(c−1)² = 0, l± = (1±√r)²,

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
    shape = np.shape(time)
    times = real_array("time", np.reshape(np.asarray(time), -1), 1)
    if times.min() < 0:
        raise ValueError("time has negative entries: the start is time 0, pass times ≥ 0.")
    model = _Model.checked(learning_rate, ratio, batch_size)
    start, deviation = number("signal", signal), number("noise", noise)
    if model.learning_rate == 0:
        return np.full(shape, 0.5 * (start + deviation**2))
    return model.risk(times, start, deviation).reshape(shape)


@dataclass(frozen=True)
class _Model:
    """The measure whose Laplace transform the risk is."""

    learning_rate: float
    ratio: float
    batch_size: int

    @classmethod
    def checked(cls, learning_rate: float, ratio: float, batch_size: int) -> _Model:
        return cls(number("learning_rate", learning_rate), _ratio(ratio), _batch(batch_size))

    @property
    def feedback(self) -> float:
        """‖K‖ = 1/c."""
        return 0.5 * self.ratio * self.learning_rate / self.batch_size

    @property
    def excess(self) -> float:
        """(1−‖K‖)/‖K‖ = c − 1."""
        return (1.0 - self.feedback) / self.feedback

    @property
    def lower(self) -> float:
        return (1.0 - math.sqrt(self.ratio)) ** 2

    @property
    def split_off(self) -> bool:
        """Whether the measure has an atom below the interval."""
        return self.distances[0].real > 0

    @property
    def distances(self) -> tuple[complex, complex]:
        """1 − y₊, 1 − y₋, where z = (1+r) − √r(y + 1/y) at the two roots z±.

        The unit disc in y is the plane in z without the interval, so an atom is a y₊ < 1; and
        l₋ − z = √r(1−y)²/y shows no cancellation where root and interval touch.
        """
        # notation: r, c as in `empirical_risk`; y² − ((1+r)/√r) y + c = 0
        r, l = self.ratio, self.lower
        offset = math.sqrt(r) * self.excess - l
        root = complex(l**2 - 4.0 * math.sqrt(r) * offset) ** 0.5
        return -2.0 * offset / (l + root), -(l + root) / (2.0 * math.sqrt(r))

    @property
    def atom(self) -> float:
        """z₊."""
        return math.sqrt(self.ratio) * self.excess / (1.0 - self.distances[0].real)

    def floor(self, noise: float) -> float:
        return 0.5 * noise**2 * max(1.0 - self.ratio, 0.0) / (1.0 - self.feedback)

    def risk(self, times: Array, signal: float, noise: float) -> Array:
        """The Laplace transform at 2γ·times."""
        # notation: l = lower edge; w as in `empirical_risk`; theta = angle with x = 1 + r + 2√r cos
        if abs(1.0 - self.feedback) < _CRITICAL_GAP:
            nudged = (1.0 - _CRITICAL_GAP) * self.learning_rate / self.feedback
            return _Model(nudged, self.ratio, self.batch_size).risk(times, signal, noise)
        r, l = self.ratio, self.lower
        excess = self.excess
        near, far = self.distances
        gaps = [math.sqrt(r) * e * e / (1.0 - e) for e in (near, far)]
        decay = 2.0 * self.learning_rate * times
        # Late times weigh more, so that the error is small beside what is left by then.
        weight = np.sqrt(1.0 + decay)

        def w(z: float) -> float:
            return signal * excess + noise**2 * (r * excess / z - 1.0)

        def integrand(theta: float) -> Array:
            # x − l without cancellation near the lower edge, theta = 0
            above = 4.0 * math.sqrt(r) * math.sin(0.5 * theta) ** 2
            x = l + above
            denominator = ((above + gaps[0]) * (above + gaps[1])).real
            density = r * math.sin(theta) ** 2 * w(x) / (math.pi * denominator)
            return np.asarray(weight * density * np.exp(-decay * above))

        scale = signal + noise**2
        integral, _, info = quad_vec(
            integrand,
            0.0,
            math.pi,
            epsabs=_TOLERANCE * scale,
            epsrel=_TOLERANCE,
            norm="max",
            full_output=True,
        )
        if not info.success:
            warnings.warn(
                f"the quadrature did not reach its tolerance (learning rate "
                f"{self.learning_rate:g}, ratio {r:g}): the risk may be off by more than 1e-10.",
                UserWarning,
                stacklevel=3,
            )
        result = np.asarray(self.floor(noise) + np.exp(-decay * l) / weight * integral)
        if self.split_off:
            # In y the formula has no z₊−z₋ and no z₊ that vanish at critical:
            # √((l₋−z₊)(l₊−z₊)) = √r (1/y₊−y₊),  r(c−1)/z₊ = √r y₊.
            y, other = 1.0 - near.real, 1.0 - far.real
            height = (1.0 / y - y) / (2.0 * (1.0 / y - 1.0 / other))
            weighed = signal + noise**2 * (math.sqrt(r) * y - 1.0) / excess
            result += height * weighed * np.exp(-decay * self.atom)
        return result


def _ratio(value: float) -> float:
    return number("ratio", value, strict=True)


def _batch(value: int) -> int:
    return integer("batch_size", value, minimum=1)
