"""The spectrum of a typical sample covariance AᵀA/n, as nodes and weights; no data are drawn.

Of n rows N(0, Σ) the resolvent is deterministic in high dimensions (Marchenko and Pastur,
Silverstein; docs, theory page, "Typical samples"): with κ(z) the solution of

    κ = −z + (κ/n) Σ_i c_i λ_i/(λ_i+κ),

λ_i the eigenvalues of Σ and c_i how often they occur, −κ/z and −κ/(z(λ_i+κ)) are the transforms
∫ (x−z)⁻¹ of two measures,

    σ    = tr Σ δ(AᵀA/n − x)/n, and what z ↦ 1 adds at infinity,
    ν_i  = u_iᵀ δ(AᵀA/n − x) u_i,      ν_i(dx) = λ_i/|λ_i+κ|² σ(dx).

All that follows is in the variable u = Re κ. For each u there is one w = (Im κ)² ≥ 0 with
(1/n) Σ c_i λ_i²/((λ_i+u)²+w) = 1, an analytic function of u, and x falls from the largest to the
smallest eigenvalue as u rises: no root can be missed, and none be the wrong one. Where w would be
negative there is a gap in the spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import EPS, Array

_FEW, _MANY = 8, 12
"""Gauss points per panel: what both rules differ by decides whether it is cut."""
_TOLERANCE = 1e-7
"""Of that difference, relative to the panel; the rule with more points is much better still."""
_DEEPEST = 40
"""Cuts of a panel in half, at most."""
_NARROW = 2.5
"""Width of a panel in u over the distance of the nearest eigenvalue: their rule has 7 digits."""
_NOTHING = 1e-15
"""Share of all eigenvalues that does not matter where it lies."""
_LEAST = 1e-8
"""Share of the mean eigenvalue down to which those next to zero are told apart."""
_MOST_PANELS = 10_000
_NOT_FOUND = (
    "the spectrum of a typical sample was not found to six digits: draw a sample instead, by "
    "problem.sample(seed), and tell us of this spectrum."
)
_BLOCK = 2**22
"""Numbers that are held at once."""


@dataclass(frozen=True, eq=False)
class SampleSpectrum:
    """Nodes of the spectrum of AᵀA/n.

    Attributes
    ----------
    eigenvalues, counts
        λ_i > 0, all different, and c_i > 0, shape (k,).
    num_rows
        n.
    nodes
        x > 0, shape (r,).
    weights
        σ at the nodes, shape (r,).
    kappa
        κ at the nodes, complex, shape (r,): with it ν_i = σ λ_i/|λ_i+κ|².
    at_zero
        κ(0⁻): the weight of σ at x = 0; 0 if there are as many rows as dimensions, or more.
    error
        By how much sums over the nodes miss what is known exactly, relative, the largest of four
        moments; and of rounding.
    """

    eigenvalues: Array
    counts: Array
    num_rows: int
    nodes: Array
    weights: Array
    kappa: NDArray[np.complex128]
    at_zero: float
    error: float

    @classmethod
    def of(cls, eigenvalues: Array, counts: Array, num_rows: int) -> SampleSpectrum:
        """Nodes and weights.

        Notes
        -----
        Costs O(k) for each of some twenty nodes per bulk, and there are at most k bulks.

        Raises
        ------
        ArithmeticError
            If the nodes do not meet the known moments to 1e-6.
        """
        equation = _Equation(eigenvalues, counts, num_rows)
        found = _refined(equation)
        kept = found.density > 0
        at_zero = equation.kappa_at_zero()
        kappa = found.u[kept] - 1j * np.sqrt(found.w[kept])
        spectrum = cls(
            eigenvalues, counts, num_rows, found.x[kept], found.density[kept], kappa, at_zero, 0.0
        )
        error = spectrum._defect()
        if not error < 1e-6:
            raise ArithmeticError(_NOT_FOUND)
        object.__setattr__(spectrum, "error", error)
        return spectrum

    @property
    def rank(self) -> float:
        """How many eigenvalues are not zero."""
        return float(min(self.num_rows, self.counts.sum()))

    def measure(self, amounts: Array) -> tuple[Array, Array]:
        """Σ_i amount_i ν_i at the nodes, and at zero; shapes (..., k) → (..., r), (...)."""
        lam = self.eigenvalues
        carried = np.atleast_2d(amounts) * lam
        out = np.empty((len(carried), len(self.nodes)))
        block = max(1, _BLOCK // len(lam))
        for start in range(0, len(self.nodes), block):
            part = slice(start, start + block)
            out[:, part] = carried @ _inverse_squares(lam, self.kappa[part]).T
        shape = np.shape(amounts)[:-1]
        zero = np.asarray(amounts) @ (self.at_zero / (lam + self.at_zero))
        return (self.weights * out).reshape(*shape, -1), np.asarray(zero)

    def defect(self, amounts: Array) -> float:
        """How far Σ_i amount_i ν_i is from its known total and mean, relative; amounts ≥ 0."""
        total, mean = float(amounts.sum()), float(amounts @ self.eigenvalues)
        if total == 0:
            return 0.0
        nu, at_zero = self.measure(amounts)
        found = float(nu.sum() + at_zero) / total, float(nu @ self.nodes) / mean
        return float(max(abs(value - 1.0) for value in found))

    def _defect(self) -> float:
        """Largest relative error of the measure of all eigenvalues: moments −1, 0, 1 and 2."""
        # notation: c, lam, n as above, mu = Σ c_i ν_i
        c, lam, n, x = self.counts, self.eigenvalues, self.num_rows, self.nodes
        mu, _ = self.measure(c)
        first = float(c @ lam)
        known = {0: self.rank, 1: first, 2: float(c @ lam**2) + first**2 / n}
        if c.sum() > n:
            known[-1] = n / self.at_zero
        elif c.sum() < n:
            known[-1] = float(c @ (1.0 / lam)) * n / (n - c.sum())
        worst = max(abs(float(mu @ x**p) / value - 1.0) for p, value in known.items())
        return float(worst + 4.0 * EPS * len(x) ** 0.5)


class _Found(NamedTuple):
    """Points of the curve κ(x), and measures there."""

    u: Array
    w: Array
    x: Array
    density: Array
    """σ dx."""
    everything: Array
    """All eigenvalues together, Σ c ν."""
    nearest: Array
    """The least |λ_i+κ|: no measure of a single direction varies faster than over this."""


def _inverse_squares(lam: Array, kappa: NDArray[np.complex128]) -> Array:
    """|λ_i+κ|⁻², shape (points, k)."""
    return np.asarray(1.0 / ((lam + kappa.real[:, None]) ** 2 + kappa.imag[:, None] ** 2))


@dataclass(frozen=True, eq=False)
class _Equation:
    """(1/n) Σ c λ²/((λ+u)²+w) = 1, λ descending: its poles in u, at w = 0, ascend."""

    eigenvalues: Array
    counts: Array
    num_rows: int

    def kappa_at_zero(self) -> float:
        """κ(0⁻): the root of Σ c λ/(λ+κ) = n, if there are more dimensions than rows."""
        lam, c, n = self.eigenvalues, self.counts, self.num_rows
        if c.sum() <= n:
            return 0.0
        from scipy.optimize import brentq  # slow to load

        def room(log_kappa: float) -> float:
            return float(np.log(c @ (lam / (lam + np.exp(log_kappa))) / n))

        low, high = float(np.log(lam.min() * EPS)), float(np.log(c @ lam / n)) + 1.0
        return float(np.exp(brentq(room, low, high, xtol=1e-15, rtol=1e-15)))

    def at(self, u: Array, power: int = 2) -> Array:
        """(1/n) Σ c λ²/(λ+u)^power at w = 0."""
        from hsgd.theory.spectra import sample_covariance_kernel as kernel  # Numba where needed.

        out = np.empty(len(u))
        strength = self.counts * self.eigenvalues**2 / self.num_rows
        kernel.sums(u, self.eigenvalues, strength, power, out)
        return out

    def intervals(self) -> Array:
        """Intervals of u over which the spectrum lies, shape (intervals, 2)."""
        poles = -self.eigenvalues
        far = float(np.sqrt(self.counts @ self.eigenvalues**2 / self.num_rows))
        low, high = poles[:-1].copy(), poles[1:].copy()
        # Between two poles the sum is convex; its least point is where its slope changes sign.
        for _ in range(40):
            middle = 0.5 * (low + high)
            falling = self.at(middle, 3) > 0
            low, high = np.where(falling, middle, low), np.where(falling, high, middle)
        least = 0.5 * (low + high)
        gap = self.at(least) < 1.0
        left = np.append(poles[0], poles[1:][gap])
        right = np.append(poles[:-1][gap], poles[-1])
        begins = self._edge(np.append(poles[0] - far, least[gap]), left)
        ends = self._edge(np.append(least[gap], poles[-1] + far), right)
        return np.column_stack((begins, ends))

    def _edge(self, outside: Array, pole: Array) -> Array:
        """Where the sum is 1 between points where it is less and poles, shape (m,)."""
        inside, outside = np.zeros(len(pole)), outside - pole
        for _ in range(100):
            middle = 0.5 * (inside + outside)
            above = self.at(pole + middle) > 1.0
            inside, outside = np.where(above, middle, inside), np.where(above, outside, middle)
        return np.asarray(pole + 0.5 * (inside + outside))

    def solve(self, points: Array, du: Array) -> _Found:
        """The curve at points (end, distance from it), shape (2, m), each for some du.

        The end is the nearer one of the interval.
        """
        from hsgd.theory.spectra import sample_covariance_kernel as kernel  # Numba where needed.

        out = np.empty((5, len(du)))
        end, distance = points
        n = float(self.num_rows)
        kernel.follow(end, distance, self.eigenvalues, self.counts, n, out)
        w, x, slope, overlap, nearest = out
        with np.errstate(divide="ignore", invalid="ignore"):
            density = np.where(w > 0, np.sqrt(w) * slope / (np.pi * x) * du, 0.0)
        return _Found(end + distance, w, x, density, density * overlap, nearest)


def _refined(equation: _Equation) -> _Found:
    """The curve at nodes between which all measures are smooth: panels are cut where they are not.

    In θ, u = middle − half·cos θ, roots at both ends of an interval are smooth.
    """
    # notation: columns of panels = both ends of the interval in u, of the panel in θ
    intervals = equation.intervals()
    whole = np.broadcast_to([0.0, np.pi], (len(intervals), 2))
    panels = np.concatenate((intervals, whole), axis=1)
    done: list[_Found] = []
    for depth in range(_DEEPEST + 1):
        rough, _ = _on(equation, panels, _FEW)
        fine, found = _on(equation, panels, _MANY)
        good = (np.abs(rough - fine) <= _TOLERANCE * fine).all(axis=1)
        good &= _is_narrow(found, len(panels))
        # What is left at the end counts as it is: nothing may be missing, and `error` tells.
        good |= (fine[:, 1] <= _NOTHING * equation.counts.sum()) | (depth == _DEEPEST)
        if len(panels) > _MOST_PANELS:
            raise ArithmeticError(_NOT_FOUND)
        accepted = np.repeat(good, _MANY)
        done.append(_Found(*(column[accepted] for column in found)))
        if good.all():
            break
        left, right = panels[~good], panels[~good]
        left[:, 3] = right[:, 2] = 0.5 * (left[:, 2] + left[:, 3])
        panels = np.concatenate((left, right))
    return _Found(*(np.concatenate(column) for column in zip(*done, strict=True)))


def _is_narrow(found: _Found, panels: int) -> NDArray[np.bool_]:
    """Which panels are so narrow that single directions are smooth on them, too."""
    extent = np.ptp(found.u.reshape(panels, -1), axis=1)
    return np.asarray(extent <= _NARROW * found.nearest.reshape(panels, -1).min(axis=1))


def _on(equation: _Equation, panels: Array, points: int) -> tuple[Array, _Found]:
    """Four integrals over each panel, shape (panels, 4), and the nodes."""
    at, weight = np.polynomial.legendre.leggauss(points)
    a, b, low, high = (column[:, None] for column in panels.T)
    theta = 0.5 * (low + high) + 0.5 * (high - low) * at
    near_a, span = theta < 0.5 * np.pi, b - a
    distance = np.where(near_a, span * np.sin(0.5 * theta) ** 2, -span * np.cos(0.5 * theta) ** 2)
    du = 0.5 * span * np.sin(theta) * 0.5 * (high - low) * weight
    nearer = np.where(near_a, a, b), distance
    found = equation.solve(np.stack([column.ravel() for column in nearer]), du.ravel())
    # With as many rows as dimensions eigenvalues lie dense at zero: down to a share of their mean.
    square = equation.counts.sum() == equation.num_rows
    mean = float(equation.counts @ equation.eigenvalues) / equation.num_rows
    least = _LEAST * mean if square else 1e-300
    mu, x = found.everything, found.x
    columns = (found.density, mu, mu * x, mu / (x + least))
    sums = [column.reshape(len(panels), points).sum(axis=1) for column in columns]
    return np.column_stack(sums), found
