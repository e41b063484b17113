"""Spectra of H = AᵀA for which sums over eigenvalues are formulas.

A spectrum knows three kinds of sums over all eigenvalues, zeros left out: of any function
(`sum`), of λ^p/(λ − z) (`resolvent`), and of λ² e^{−xλ} (`kernel_sum`). To add a spectrum, write
these, and the roots at which its noise feeds itself (`feedback_roots`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from numpy.typing import NDArray

from hsgd.checks import integer
from hsgd.nouns import keep
from hsgd.symbolic.expressions import expression

Expressions = Sequence[Any] | NDArray[Any]
"""Numbers or SymPy expressions."""


@dataclass(frozen=True)
class PointMasses:
    """Finitely many distinct eigenvalues λ_i, each in a number m_i of directions.

    Parameters
    ----------
    eigenvalues
        Numbers or SymPy expressions ≥ 0; equal ones are merged, zeros left out.
    multiplicities
        As many; one each if omitted. They need not be integers.

    Raises
    ------
    TypeError, ValueError
        For lengths that differ, nothing but zeros, negative or non-symbolic entries.

    Examples
    --------
    >>> PointMasses.symbols(2).eigenvalues
    (lambda_1, lambda_2)
    """

    eigenvalues: tuple[sympy.Expr, ...]
    multiplicities: tuple[sympy.Expr, ...]

    def __init__(self, eigenvalues: Expressions, multiplicities: Expressions | None = None) -> None:
        values = _sequence("eigenvalues", eigenvalues)
        counts = (
            [sympy.Integer(1)] * len(values)
            if multiplicities is None
            else _sequence("multiplicities", multiplicities)
        )
        if len(values) != len(counts):
            raise ValueError(
                f"there are {len(values)} eigenvalues but {len(counts)} multiplicities: "
                "pass one for each."
            )
        merged: dict[sympy.Expr, sympy.Expr] = {}
        for value, count in zip(values, counts, strict=True):
            if not value.is_zero:
                merged[value] = merged.get(value, sympy.Integer(0)) + count
        if not merged:
            raise ValueError("all eigenvalues are zero, so there is nothing to learn: pass others.")
        keep(self, eigenvalues=tuple(merged), multiplicities=tuple(merged.values()))

    @classmethod
    def symbols(cls, count: int) -> PointMasses:
        """Masses at λ_1, …, λ_count with multiplicities d_1, …, all positive symbols."""
        names = range(1, integer("count", count, minimum=1, maximum=1000) + 1)
        return cls(
            tuple(sympy.Symbol(f"lambda_{i}", positive=True) for i in names),
            tuple(sympy.Symbol(f"d_{i}", positive=True) for i in names),
        )

    @property
    def pairs(self) -> tuple[tuple[sympy.Expr, sympy.Expr], ...]:
        """(eigenvalue, multiplicity) of each mass."""
        return tuple(zip(self.eigenvalues, self.multiplicities, strict=True))

    @property
    def largest(self) -> sympy.Expr:
        """λ_max."""
        return sympy.Max(*self.eigenvalues)

    def rank(self, num_rows: sympy.Expr) -> sympy.Expr:
        """Number of non-zero eigenvalues."""
        return sympy.Add(*(count for _, count in self.pairs))

    def sum(self, function: Callable[[sympy.Expr], sympy.Expr], num_rows: sympy.Expr) -> sympy.Expr:
        """Σ_i m_i f(λ_i)."""
        return sympy.Add(*(count * function(value) for value, count in self.pairs))

    def resolvent(self, power: int, point: sympy.Expr, num_rows: sympy.Expr) -> sympy.Expr:
        """Σ λ^power/(λ − point), for power 1 or 2."""
        return self.sum(lambda value: value**power / (value - point), num_rows)

    def kernel_sum(self, lag: sympy.Expr, num_rows: sympy.Expr) -> sympy.Expr:
        """Σ λ² e^{−lag·λ}."""
        return self.sum(lambda value: value**2 * sympy.exp(-lag * value), num_rows)

    def signal_sum(
        self, signal: Any, function: Callable[[sympy.Expr], sympy.Expr], num_rows: sympy.Expr
    ) -> sympy.Expr:
        """Σ_i λ_i c_i f(λ_i), c_i = signal[i] the squared norm of x* in eigenspace i."""
        parts = _sequence("signal", signal)
        if len(parts) != len(self.eigenvalues):
            raise ValueError(
                f"signal has {len(parts)} entries, but there are {len(self.eigenvalues)} distinct "
                "non-zero eigenvalues: pass the squared norm of x* in each eigenspace."
            )
        terms = zip(parts, self.eigenvalues, strict=True)
        return sympy.Add(*(part * value * function(value) for part, value in terms))

    def feedback_roots(self, gain: sympy.Expr, num_rows: sympy.Expr) -> tuple[sympy.Expr, ...]:
        """Ascending roots z of 1 = (gain/n) Σ λ²/(λ − z).

        Closed for one and two masses; for more, real roots of `feedback_polynomial`, if its
        coefficients are numbers (as exact `CRootOf` if they are rational).
        """
        if len(self.eigenvalues) <= 2:
            shifted = [x - gain * m * x**2 / num_rows for x, m in self.pairs]
            if len(shifted) == 1:
                return (shifted[0],)
            weights = [gain * m * x**2 / num_rows for x, m in self.pairs]
            # A sum of squares: both roots are real.
            root = sympy.sqrt((shifted[0] - shifted[1]) ** 2 + 4 * weights[0] * weights[1])
            middle = shifted[0] + shifted[1]
            return (middle - root) / 2, (middle + root) / 2
        polynomial = self.feedback_polynomial(gain, num_rows)
        if all(c.is_Rational for c in polynomial.all_coeffs()):
            return tuple(polynomial.real_roots())
        if polynomial.free_symbols_in_domain:
            raise ValueError(
                "the rates of three or more masses are roots of a polynomial without a closed "
                "form: use characteristic_polynomial, or substitute numbers for all symbols."
            )
        return tuple(sorted(sympy.re(root) for root in polynomial.nroots(n=30, maxsteps=200)))

    def feedback_polynomial(self, gain: sympy.Expr, num_rows: sympy.Expr) -> sympy.Poly:
        """Π_i (λ_i − z) − (gain/n) Σ_i m_i λ_i² Π_{j≠i} (λ_j − z), in z."""
        z = sympy.Symbol("z")
        factors = [x - z for x in self.eigenvalues]
        whole = sympy.Mul(*factors)
        for i, (x, m) in enumerate(self.pairs):
            others = sympy.Mul(*(f for j, f in enumerate(factors) if j != i))
            whole -= gain / num_rows * m * x**2 * others
        return sympy.Poly(whole, z)


@dataclass(frozen=True)
class MarchenkoPastur:
    """The spectrum of AᵀA for n × d matrices of independent entries of variance 1/n, n → ∞.

    Parameters
    ----------
    ratio
        r = d/n > 0. The mean eigenvalue is 1, the mean squared row norm r; for rows of another
        size scale the learning rate (docs, theory page, "Units and conventions").

    Examples
    --------
    >>> r = sympy.Symbol("r", positive=True)
    >>> MarchenkoPastur(r).edges
    ((1 - sqrt(r))**2, (sqrt(r) + 1)**2)
    """

    ratio: sympy.Expr

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratio", expression("ratio", self.ratio, positive=True))

    @property
    def edges(self) -> tuple[sympy.Expr, sympy.Expr]:
        """l∓ = (1∓√r)², the interval that carries the density."""
        root = sympy.sqrt(self.ratio)
        return (1 - root) ** 2, (1 + root) ** 2

    @property
    def largest(self) -> sympy.Expr:
        """The upper edge."""
        return self.edges[1]

    @property
    def atom(self) -> sympy.Expr:
        """Mass at zero, (1−1/r)₊."""
        return sympy.Max(0, 1 - 1 / self.ratio)

    def density(self, x: sympy.Expr) -> sympy.Expr:
        """√((x−l₋)(l₊−x))/(2π r x) between the edges."""
        lower, upper = self.edges
        return sympy.sqrt((x - lower) * (upper - x)) / (2 * sympy.pi * self.ratio * x)

    def stieltjes_transform(self, z: Any) -> sympy.Expr:
        """m(z) = ∫ dμ(x)/(x−z) = (1−r−z−√(l₋−z)√(l₊−z))/(2rz), off the spectrum; atom included.

        It solves r z m² + (z+r−1) m + 1 = 0, on the branch that vanishes at infinity.
        """
        return self._scaled(z) / z

    def _scaled(self, z: sympy.Expr) -> sympy.Expr:
        """z·m(z): finite at zero."""
        lower, upper = self.edges
        root = sympy.sqrt(lower - z) * sympy.sqrt(upper - z)
        return (1 - self.ratio - z - root) / (2 * self.ratio)

    def rank(self, num_rows: sympy.Expr) -> sympy.Expr:
        """n·min(r, 1)."""
        return num_rows * sympy.Min(self.ratio, 1)

    def sum(self, function: Callable[[sympy.Expr], sympy.Expr], num_rows: sympy.Expr) -> sympy.Expr:
        """The integral n r ∫ f dμ over the interval, left as it is."""
        x = sympy.Symbol("x", positive=True)
        integral = sympy.Integral(function(x) * self.density(x), (x, *self.edges))
        return num_rows * self.ratio * integral

    def resolvent(self, power: int, point: sympy.Expr, num_rows: sympy.Expr) -> sympy.Expr:
        """Σ λ^power/(λ − point), for power 1 or 2: n r (1 + z m), n r (1 + z + z² m)."""
        first = 1 + self._scaled(point)
        return num_rows * self.ratio * (first if power == 1 else 1 + point * first)

    def kernel_sum(self, lag: sympy.Expr, num_rows: sympy.Expr) -> sympy.Expr:
        """Σ λ² e^{−xλ} = n r e^{−(1+r)x} [(1+r) I₁(u)/√r − 2 I₂(u)]/x, u = 2√r x, I Bessel.

        At x = 0 take the limit, n r (1+r).
        """
        r, root = self.ratio, sympy.sqrt(self.ratio)
        bracket = (1 + r) / root * sympy.besseli(1, 2 * root * lag)
        bracket -= 2 * sympy.besseli(2, 2 * root * lag)
        return num_rows * r * sympy.exp(-(1 + r) * lag) * bracket / lag

    def signal_sum(
        self, signal: Any, function: Callable[[sympy.Expr], sympy.Expr], num_rows: sympy.Expr
    ) -> sympy.Expr:
        """n·signal·∫ x f dμ, signal = ‖x*‖²/n the variance of a noiseless target."""
        part = expression("signal", signal)
        return part / self.ratio * self.sum(lambda x: x * function(x), num_rows)

    def transition(self, noise_factor: sympy.Expr) -> sympy.Expr:
        """γ* = 2/(φ√r (r−√r+1)): above it the noise decides the rate, below it the edge."""
        root = sympy.sqrt(self.ratio)
        return 2 / (noise_factor * root * (self.ratio - root + 1))

    def feedback_roots(self, gain: sympy.Expr, num_rows: sympy.Expr) -> tuple[sympy.Expr, ...]:
        """The root z₊ of 1 = (gain/n) Σ λ²/(λ − z) below the interval, or its lower edge.

        With c = 1/(r·gain): z₊ = (c−1)[(1+r) + √((1+r)²−4rc)]/(2c) where c < (r−√r+1)/√r.
        """
        # notation: r, c as above
        r = self.ratio
        c = 1 / (r * gain)
        z = (c - 1) * (1 + r + sympy.sqrt((1 + r) ** 2 - 4 * r * c)) / (2 * c)
        splits = c < (r - sympy.sqrt(r) + 1) / sympy.sqrt(r)
        return (sympy.Piecewise((z, splits), (self.edges[0], True)),)


def _sequence(name: str, values: Any) -> list[sympy.Expr]:
    """A list, tuple or array of expressions ≥ 0."""
    entries = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(entries, list | tuple):
        raise TypeError(
            f"{name} is a {type(values).__name__}: pass a list of numbers or expressions."
        )
    if not entries:
        raise ValueError(f"{name} is empty: pass at least one entry.")
    return [expression(f"{name}[{i}]", value) for i, value in enumerate(entries)]
