"""A spectrum, as a frozen noun: eigenvalues and what the target has along them, no directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array, digest, integer, number, real_array, vector
from hsgd.machine import memory
from hsgd.nouns import Noun, Real, Swept, Whole, keep
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.portrait import Portrayed
from hsgd.problems.sampled import SampledLeastSquares


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(Portrayed, Noun):
    """Eigenvalues of a covariance, and the target's power along each: all that the theory needs.

    Fresh rows of it are `rows()`, to stream; n rows of it, typical ones, are `sampled(n)`.

    Parameters
    ----------
    eigenvalues
        λ_j ≥ 0 of E aaᵀ, shape (d,), in any order, which is kept.
    target_power
        v_j² = λ_j β_j², the variance of the target along each direction, shape (d,); by default 0:
        then there is nothing but noise to learn.
    noise
        Standard deviation of what is not linear in the rows.

    Raises
    ------
    TypeError, ValueError
        For negative or non-finite numbers, wrong lengths, or power where an eigenvalue is 0.

    Examples
    --------
    >>> import hsgd
    >>> spectrum = hsgd.Spectrum.power_law(1000, 1.2, 1.5, noise=0.1)
    >>> spectrum
    <Spectrum: 1000 eigenvalues, trace 1, target power 1, noise 0.1>
    >>> typical = spectrum.sampled(500)
    >>> curve = hsgd.predict(typical, hsgd.SGD(0.5), hsgd.times(typical, hsgd.SGD(0.5)))
    """

    eigenvalues: Array
    target_power: Array
    noise: float

    def __init__(
        self,
        eigenvalues: ArrayLike,
        target_power: ArrayLike | None = None,
        noise: Real = 0.0,
    ) -> None:
        values = real_array("eigenvalues", eigenvalues, 1)
        power = np.zeros(len(values)) if target_power is None else target_power
        keep(
            self,
            eigenvalues=values,
            target_power=vector("target_power", power, len(values)),
            noise=number("noise", noise),
        )
        for name, array in (("eigenvalues", values), ("target_power", self.target_power)):
            if array.min() < 0:
                raise ValueError(
                    f"{name} has a negative entry ({array.min():g}): none may be below 0."
                )
        if not values.any():
            raise ValueError("eigenvalues are all zero, so there is nothing to learn: check them.")
        if self.target_power[values == 0].any():
            raise ValueError(
                "target_power is not zero where an eigenvalue is: no row has a part there, so give "
                "that power as noise."
            )

    @classmethod
    def power_law(
        cls,
        dimension: Whole,
        decay: Real,
        target_decay: Real,
        *,
        trace: Real = 1.0,
        power: Real = 1.0,
        noise: Real = 0.0,
    ) -> Self:
        """λ_j ∝ j^−decay with target power v_j² ∝ j^−target_decay, j = 1 … dimension.

        Parameters
        ----------
        dimension
            d.
        decay, target_decay
            Exponents ≥ 0. (Where a source has coefficients β_j ∝ j^−b, target_decay is decay + 2b.)
        trace, power
            What the eigenvalues and the target's power add up to.
        noise
            As in `Spectrum`.
        """
        count = integer("dimension", dimension, minimum=1)
        exponents = number("decay", decay), number("target_decay", target_decay)
        memory.check(8 * 4 * count, f"a power law of dimension {count}", "modes")
        j = np.arange(1, count + 1, dtype=np.float64)
        if max(exponents) * np.log10(count) > 100.0:
            raise ValueError(
                f"decay is {exponents[0]:g} and target_decay {exponents[1]:g}, so that the last of "
                f"{count} modes are below 1e-100: pass smaller exponents."
            )
        shapes = [j**-exponent for exponent in exponents]
        totals = number("trace", trace, strict=True), number("power", power)
        scaled = [total * shape / shape.sum() for total, shape in zip(totals, shapes, strict=True)]
        return cls(scaled[0], scaled[1], noise)

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        return len(self.eigenvalues)

    def rows(self, *, ridge: Swept = 0.0, x0: ArrayLike | None = None) -> GaussianRows:
        """Gaussian rows of this spectrum, its eigenvectors the unit vectors.

        Parameters
        ----------
        ridge, x0
            As in `GaussianRows`.
        """
        seen = self.eigenvalues > 0
        squares = np.divide(
            self.target_power, self.eigenvalues, out=np.zeros(self.dimension), where=seen
        )
        return GaussianRows(self.eigenvalues, np.sqrt(squares), self.noise, ridge=ridge, x0=x0)

    def sampled(
        self, n: Whole, *, ridge: Swept = 0.0, x0: ArrayLike | None = None
    ) -> SampledLeastSquares:
        """`n` rows of this spectrum, not drawn.

        Parameters
        ----------
        n
            Number of rows.
        ridge
            δ of the *sum* objective, as in `LeastSquares`.
        x0
            As in `rows`.
        """
        return SampledLeastSquares(self.rows(x0=x0), n, ridge)

    def _facts(self) -> dict[str, str]:
        power = float(self.target_power.sum())
        return {
            "dimension": f"{self.dimension} eigenvalues",
            "trace": f"trace {self.eigenvalues.sum():.3g}",
            "target": f"target power {power:.3g}" if power else "no target",
            "noise": f"noise {self.noise:.3g}" if self.noise else "no noise",
        }

    def _spectrum_at_hand(self) -> Array | None:
        return self.eigenvalues

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        return {
            "problem": "Spectrum",
            "dimension": self.dimension,
            "noise": self.noise,
            "sha256": digest(self.eigenvalues, self.target_power),
        }
