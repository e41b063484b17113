"""The measure whose Laplace transform is the risk on isotropic data."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad_vec

from hsgd.checks import Array

Density = Callable[[float, float], float]
"""Of x and x − l₋."""

_TOLERANCE = 1e-12
_CRITICAL_GAP = 1e-8
"""Closer than this to critical (relative), floor and slow mode cannot be told apart."""


@dataclass(frozen=True)
class Measure:
    """A density on the Marchenko–Pastur interval, an atom below it, an atom at zero."""

    learning_rate: float
    """γ > 0; this and the next two are checked by the caller."""
    ratio: float
    """r = d/n > 0."""
    batch_size: int
    """B."""

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

    def away_from_critical(self) -> Measure:
        """The same, or where floor and slowest mode are both infinite, a little below it."""
        if abs(1.0 - self.feedback) >= _CRITICAL_GAP:
            return self
        rate = (1.0 - _CRITICAL_GAP) * self.learning_rate / self.feedback
        return Measure(rate, self.ratio, self.batch_size)

    def training(self, times: Array, signal: float, noise: float) -> Array:
        """ψ/n: the Laplace transform at 2γ·times."""
        decay = 2.0 * self.learning_rate * times
        density = self.density(signal, noise)
        result = self.floor(noise) + self.transform(density, decay, signal + noise**2)
        return result + self.split_off_part(decay, signal, noise)

    def population(self, times: Array, signal: float, noise: float) -> Array:
        """½‖x−x*‖²/n + ½ noise²; the noise's part of its transform is [(1−‖K‖)Ψ̂ − F̂]/z."""
        # notation: r = ratio, k = feedback
        r, k, scale = self.ratio, self.feedback, signal + noise**2
        decay = 2.0 * self.learning_rate * times
        training = self.density(signal, noise)
        driven = self.transform(lambda x, above: training(x, above) / x, decay, scale)
        constant = 0.5 * noise**2 + 0.5 * signal * max(1.0 - 1.0 / r, 0.0) + k * self.floor(noise)
        result = constant + (1.0 - k) * driven
        # (1−‖K‖)/z₊ without the zeros that cancel at critical
        share = k * (1.0 - self.distances[0].real) / math.sqrt(r)
        result += share * self.split_off_part(decay, signal, noise)
        if noise > 0:
            # What gradient flow picks up of the label noise, less F̂'s: ½η² r ∫ (1−2e^{−γxt})/x dμ.
            rest = self.transform(self.flow_density, 0.5 * decay, 1.0)
            result += 0.5 * noise**2 * (min(r, 1.0) / abs(1.0 - r) - 2.0 * rest)
        return np.asarray(result)

    def density(self, signal: float, noise: float) -> Density:
        """The density of ψ/n in the angle θ, x = 1 + r − 2√r cos θ."""
        # notation: w as in `empirical_risk`; gaps = l₋ − z±
        r, excess = self.ratio, self.excess
        gaps = [math.sqrt(r) * e * e / (1.0 - e) for e in self.distances]

        def density(x: float, above: float) -> float:
            w = signal * excess + noise**2 * (r * excess / x - 1.0)
            denominator = ((above + gaps[0]) * (above + gaps[1])).real
            return self.squared_sine(above) * r * w / (math.pi * denominator)

        return density

    def squared_sine(self, above: float) -> float:
        """sin² θ = q(4−q)/4 with q = (x−l₋)/√r = 4 sin²(θ/2)."""
        q = above / math.sqrt(self.ratio)
        return 0.25 * q * (4.0 - q)

    def flow_density(self, x: float, above: float) -> float:
        """Of r dμ/x in the angle."""
        return 2.0 * self.ratio * self.squared_sine(above) / (math.pi * x * x)

    def transform(self, density: Density, decay: Array, scale: float) -> Array:
        """∫ density e^{−decay·x}, in the angle, in which the square roots are smooth."""
        # Late times weigh more, so that the error is small beside what is left by then.
        weight = np.sqrt(1.0 + decay)

        def integrand(theta: float) -> Array:
            # x − l₋ without cancellation near the lower edge, theta = 0
            above = 4.0 * math.sqrt(self.ratio) * math.sin(0.5 * theta) ** 2
            value = density(self.lower + above, above)
            return np.asarray(weight * value * np.exp(-decay * above))

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
                f"{self.learning_rate:g}, ratio {self.ratio:g}): the risk may be off by more than "
                "1e-10.",
                UserWarning,
                stacklevel=4,
            )
        return np.asarray(np.exp(-decay * self.lower) / weight * integral)

    def split_off_part(self, decay: Array, signal: float, noise: float) -> Array:
        """The atom's part of ψ/n, without the z₊ and z₊−z₋ that vanish at critical."""
        # √((l₋−z₊)(l₊−z₊)) = √r (1/y₊−y₊),  r(c−1)/z₊ = √r y₊
        if not self.split_off:
            return np.zeros(len(decay))
        y, other = (1.0 - e.real for e in self.distances)
        height = (1.0 / y - y) / (2.0 * (1.0 / y - 1.0 / other))
        weighed = signal + noise**2 * (math.sqrt(self.ratio) * y - 1.0) / self.excess
        with np.errstate(over="ignore"):  # far above critical the risk itself is infinite
            return np.asarray(height * weighed * np.exp(-decay * self.atom))
