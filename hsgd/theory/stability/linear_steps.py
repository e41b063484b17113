"""Steps of finite size, of any linear method with constant coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hsgd.algorithms.linear_form import LinearForm
from hsgd.checks import Array
from hsgd.theory.stability.base import Stability

_SCANNED = 240
"""Learning rates that are tried from the curvature limit downwards, over twelve decades."""
_LATE = 2**30
_LOOKED_AT = 128
"""Modes that are asked whether their means settle; among them the stiffest and the slowest."""
_ROUNDING = 1e-9
"""Relative size of an eigenvalue of a covariance that is rounding, also where it is negative."""
_AT_ONCE = 2**22
"""Numbers of a block of modes' systems of equations."""


@dataclass(frozen=True, eq=False)
class LinearSteps(Stability):
    """Second moments M of a mode go to L(M) + noise·b bᵀ; what noise adds up to is Σ_p L^p(b bᵀ).

    L(M) = T M Tᵀ + wick·φ(λ/N)² (cᵀMc) b bᵀ, T = A − (r/N) b cᵀ: a small linear system a mode.
    """

    form_at: Callable[[float], LinearForm]
    """The form at each learning rate."""

    @property
    def own_noise(self) -> float:
        return self.system.wick

    def moves(self, learning_rate: float) -> bool:
        return bool(self._step(learning_rate)[1].any())

    def _step(self, learning_rate: float) -> tuple[Array, Array]:
        """A and b/N; of methods that change by themselves those of a late iteration."""
        N = self.system.iterations_per_unit
        mixing, gains = self.form_at(learning_rate).steps(np.array([_LATE]), N)
        return mixing[0], gains[0] / N

    def _summed(self, learning_rate: float, growth: float = 1.0) -> tuple[Array, Array]:
        """X seen by the readout and by the query, over N² as they act: rᵀXr and cᵀXc, shape (r,).

        Infinite where a mode is not stable by itself.
        """
        form, (A, b) = self.form_at(learning_rate), self._step(learning_rate)
        basis = _basis(form.start)
        A, b = (np.asarray(np.linalg.solve(basis, one)) for one in (A @ basis, b))
        c, readout = form.query @ basis, form.readout @ basis
        fed = self.noise_factor * self.system.wick * self.system.eigenvalues**2
        r, m = self.system.damping, form.size
        block = max(1, _AT_ONCE // m**4)
        parts = [
            _sums(A, b, c, r[i : i + block], fed[i : i + block], growth)
            for i in range(0, len(r), block)
        ]
        X = np.concatenate(parts) if parts else np.zeros((0, m, m))
        with np.errstate(invalid="ignore"):
            at_readout, at_query = (np.einsum("i,jip,p->j", w, X, w) for w in (readout, c))
        diverges = np.isinf(X).any(axis=(1, 2))
        return np.where(diverges, np.inf, at_readout), np.where(diverges, np.inf, at_query)

    def response(self, learning_rate: float) -> Array:
        return self.noise_factor * self.system.eigenvalues * self._summed(learning_rate)[0]

    def heard(self, learning_rate: float) -> Array:
        return self.noise_factor * self.system.eigenvalues * self._summed(learning_rate)[1]

    def kernel_norm(self, learning_rate: float) -> float:
        if not self.noise_factor or not len(self.system.eigenvalues):
            return 0.0 if self._settles(learning_rate) else np.inf
        driven = self.system.driven
        counted = driven > 0  # others may grow unheard
        return float(driven[counted] @ self.heard(learning_rate)[counted])

    def _settles(self, learning_rate: float) -> bool:
        """Whether the means of all modes do."""
        rates = np.sort(self._rates())
        # What a root does between these is what it does at them.
        chosen = rates[np.unique(np.linspace(0, len(rates) - 1, _LOOKED_AT).astype(int))]
        return bool(self._log_modulus(learning_rate, chosen).max(initial=-np.inf) < 0)

    def _rates(self) -> Array:
        return self._damping_and_curvature()[0] * self.system.iterations_per_unit

    def is_stable(self, learning_rate: float, norm: float) -> bool:
        return norm < 1.0 and self._settles(learning_rate)

    def curvature_limit(self) -> float:
        """The largest learning rate, of those tried, at which all modes settle by themselves."""
        return self._largest(lambda rate: self._settles(rate))

    def critical_rate(self) -> float:
        # The cheap question first.
        return self._largest(lambda rate: self._settles(rate) and self.kernel_norm(rate) < 1.0)

    def _largest(self, good: Callable[[float], bool]) -> float:
        """The largest learning rate that is good, where it may be bad below some as well.

        With further rates of its own a method may need a least learning rate; so rates are tried
        from above, and the first change is found by bisection.
        """
        stiffest = float(self._rates().max(initial=0.0))
        if stiffest == 0.0:
            return float("inf")
        top = 1e2 * self.system.iterations_per_unit / stiffest
        bad = top
        for rate in np.geomspace(top, top * 1e-12, _SCANNED).tolist():
            if good(rate):
                return _boundary(good, rate, bad)
            bad = rate
        return 0.0

    def _log_modulus(self, learning_rate: float, damping: Array) -> Array:
        """Log of the largest modulus of T's eigenvalues, of modes with this damping."""
        form = self.form_at(learning_rate)
        A, b = self._step(learning_rate)
        T = A - damping[:, None, None] * np.outer(b, form.query)
        with np.errstate(divide="ignore"):
            moduli = np.log(np.abs(np.linalg.eigvals(T)).max(axis=1)) if len(T) else np.zeros(0)
        return np.asarray(moduli)

    def forced_rate(self, learning_rate: float) -> float:
        slowest = self.system.damping[self.system.forcing]
        moduli = self._log_modulus(learning_rate, slowest)
        return -self.system.iterations_per_unit * float(np.max(moduli, initial=-np.inf))

    def noise_rate(self, learning_rate: float) -> float:
        # notation: s = one over the ratio per iteration; 1 = s Σ_j w_j cᵀX_j(s)c
        N = self.system.iterations_per_unit
        top = -2.0 * float(self._log_modulus(learning_rate, self._rates()).max())
        weights = self.noise_factor * self.system.driven * self.system.eigenvalues
        if not weights.any() or not self.moves(learning_rate):
            return N * top

        def room(log_growth: float) -> float:
            s = float(np.exp(log_growth))
            fed = s * float(weights @ self._summed(learning_rate, s)[1])
            return (1.0 / fed if np.isfinite(fed) and fed > 0 else 0.0) - 1.0

        low = min(0.0, top) - 1e-9
        while room(low) <= 0.0 and low > -1e3:
            low *= 2.0
        high = top - 1e-13 * max(1.0, abs(top))
        if room(high) > 0.0:
            return N * top
        from scipy.optimize import brentq  # slow to load, and rarely needed

        return N * float(brentq(room, low, high, xtol=1e-15, rtol=1e-13))


def _basis(start: Array) -> Array:
    """A basis whose first vector is `start`, the direction in which small steps hardly shrink.

    There T is 1 minus a small number, which is then not the difference of two large ones.
    """
    basis = np.eye(len(start))
    first = int(np.flatnonzero(start)[0])
    basis[:, [0, first]] = basis[:, [first, 0]]
    basis[:, 0] = start
    return basis


def _sums(A: Array, b: Array, c: Array, damping: Array, fed: Array, growth: float) -> Array:
    """X = Σ_p growth^p L^p(b bᵀ) of each mode, shape (modes, m, m); infinite where it diverges.

    L(M) = T M Tᵀ + fed·(cᵀMc) b bᵀ. In the basis of `_basis` A's first column is a unit vector,
    and 1 − T₁₁² is put down as x(2 − x), x = damping·b₁.
    """
    m, r = len(b), damping[:, None, None]
    A = A.copy()
    A[:, 0] = np.eye(m)[:, 0]  # exactly
    T, own = A - r * np.outer(b, c), np.outer(np.outer(b, b), np.outer(c, c))
    pairs = np.einsum("jik,jpl->jipkl", T, T).reshape(len(T), m * m, m * m)
    fed_back = fed[:, None, None] * own
    system = np.eye(m * m) - growth * (pairs + fed_back)
    x = damping * b[0]
    system[:, 0, 0] = growth * (x * (2.0 - x) - fed_back[:, 0, 0]) + (1.0 - growth)
    wanted = np.broadcast_to(np.outer(b, b).reshape(m * m, 1), (len(T), m * m, 1))
    with np.errstate(all="ignore"):
        X = _solved(system, wanted).reshape(len(T), m, m)
    # L takes covariances to covariances: where their sum diverges, the solution is none.
    finite = np.isfinite(X).all(axis=(1, 2))
    least = np.full(len(T), -np.inf)
    if finite.any():
        shares = X[finite] / np.abs(X[finite]).max(axis=(1, 2), keepdims=True).clip(1e-300)
        least[finite] = np.linalg.eigvalsh(0.5 * (shares + shares.transpose(0, 2, 1)))[:, 0]
    return np.where((least > -_ROUNDING)[:, None, None], X, np.inf)


def _solved(systems: Array, wanted: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(systems, wanted))
    except np.linalg.LinAlgError:  # some is singular to the last digit
        tilted = systems + 1e-15 * np.eye(systems.shape[1])
        return np.asarray(np.linalg.solve(tilted, wanted))


def _boundary(good: Callable[[float], bool], low: float, high: float) -> float:
    """Where `good` ends between a learning rate at which it holds and one at which it does not."""
    if high == low:
        return low
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        if not low < middle < high:
            break
        low, high = (middle, high) if good(middle) else (low, middle)
    return low
