"""Steps of finite size, of any linear method with constant coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hsgd.algorithms.linear_form import LinearForm
from hsgd.checks import Array
from hsgd.theory.stability.base import Stability
from hsgd.theory.stability.momentum import dying

_SCANNED, _DECADES = 240, 12
"""Learning rates that are tried from above, over so many decades."""
_LARGEST = 1e30
"""Learning rate beyond which none is looked for."""
_LATE = 2**26
"""An iteration in which methods that change by themselves have become what they will be.

Later ones would lose what vectors that hardly move still forget to rounding."""
_FIRST_LOOK = 64
"""Modes that are asked first whether their means settle: a single one that grows is enough."""
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
        rates = self._rates()
        some = rates[:: max(1, len(rates) // _FIRST_LOOK)]
        return all(
            bool(self._log_modulus(learning_rate, looked_at).max(initial=-np.inf) < 0)
            for looked_at in (some, rates)
        )

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
        bad = 1e2 * self.system.iterations_per_unit / stiffest
        while good(bad):  # where gradients are taken at, or gains are, a small part
            bad *= 1e2
            if bad > _LARGEST:
                return float("inf")
        for rate in np.geomspace(bad, bad * 10.0**-_DECADES, _SCANNED)[1:].tolist():
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

        def fed(growth: float) -> float:
            return float(weights @ self._summed(learning_rate, growth)[1])

        return N * dying(fed, top)


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
    # Beyond the radius of convergence the sum of positive terms is none any more.
    good = growth * _radius(T, pairs, fed_back) < 1.0
    found = np.full((len(T), m * m, 1), np.inf)
    wanted = np.broadcast_to(np.outer(b, b).reshape(m * m, 1), found.shape)
    found[good] = _solved(system[good], wanted[good])
    return found.reshape(len(T), m, m)


def _solved(systems: Array, wanted: Array) -> Array:
    """Each system's solution; infinite where it is singular to the last digit."""
    try:
        return np.asarray(np.linalg.solve(systems, wanted))
    except np.linalg.LinAlgError:
        if len(systems) == 1:
            return np.full_like(wanted, np.inf)
        half = len(systems) // 2
        parts = (slice(0, half), slice(half, None))
        return np.concatenate([_solved(systems[part], wanted[part]) for part in parts])


def _radius(T: Array, pairs: Array, fed_back: Array) -> Array:
    """Spectral radius of what an iteration does to second moments, shape (modes,)."""
    if not fed_back.any():
        return np.asarray(np.abs(np.linalg.eigvals(T)).max(axis=1) ** 2)
    return np.asarray(np.abs(np.linalg.eigvals(pairs + fed_back)).max(axis=1))


def _boundary(good: Callable[[float], bool], low: float, high: float) -> float:
    """Where `good` ends between a learning rate at which it holds and one at which it does not."""
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        if not low < middle < high:
            break
        low, high = (middle, high) if good(middle) else (low, middle)
    return low
