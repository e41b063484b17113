"""One segment on which clock and weight are constant: its solution, and the modes at its end.

With the modes U_j = ∫ e^{−r_j (c(t) − c(s))} w y ds the equation is a convolution again. In local
time u, the clock's since the start of the segment, y(u) = F(u) + (w/c') k * y,
F(u) = f + Σ_j k_j U_j(start) exp(−r_j u), which is the exact method's business; where the clock
stands, all rates are zero and u is time itself. At the end of the segment
U_j = U_j(start) exp(−r_j u) + (w/c') Σ_k g_k / (r_j − x_k) Z_k, Z_k = Σ_i F_i φ(u; x_k, s_i),
for all modes at once: modes · (modes + terms) operations, with the divided differences φ of
`resonances` for every pair of a root x_k and a rate s_i of F.

Errors. Kernel and weight being positive, an error dU_j of the modes and an error dF of the forcing
move y by at most the solution of the same equation with the forcing |dF| + Σ_j k_j |dU_j| e^{…}.
That solution, the slack, is carried along as a second right-hand side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from volterra.arrays import EPS, Array, Index
from volterra.exact.convolution import RealConvolution, convolve
from volterra.exact.residues import Residues, observation_residues, resolvent_residues
from volterra.exact.resonances import all_pairs
from volterra.exact.secular import SecularRoots, row_chunks
from volterra.kernels.exponents import of_exponentials

# The error bounds of the exact method are for given rates and weights and times. Here local times,
# w/c' times the weights, and rates in local time are rounded once or twice: less than the bounds
# allow for already, so that twice these bounds cover it.
_ROUNDED = 2.0
FEW = 8.0  # roundings of a short formula


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment: its equation in local time, and what it starts from.

    Attributes
    ----------
    start, pace
        Time at its start; units of local time per unit of time.
    feed
        w/c': what y adds to every mode, per unit of local time.
    rates
        Rates of the modes in local time, shape (modes,).
    label
        Which of the distinct rates in `roots` is whose, shape (modes,).
    roots
        Of the kernel in local time.
    sigma, terms
        Rates of F, ascending, shape (terms,); its coefficients and bounds on their errors, shape
        (terms, 2).
    own
        The position of each mode's rate in `sigma`, shape (modes,).
    modes
        U_j at the start, and bounds on their errors, shape (modes, 2).
    """

    start: float
    pace: float
    feed: float
    rates: Array
    label: Index
    roots: SecularRoots
    sigma: Array
    terms: Array
    own: Index
    modes: Array

    def solution(self) -> Piece:
        """The solution y."""
        residues = resolvent_residues(self.roots)
        return self._piece(residues, residues, self.terms)

    def observation(self, v: Array) -> Piece:
        """Σ_j v_j U_j."""
        value, majorant = self._observed(v), self._observed(np.abs(v))
        together = np.bincount(self.own, minlength=1).max()
        if self.roots.rates.size < v.size:
            # Weights of all modes that stand still were added, and may have cancelled.
            rounding = value.rounding + together * np.abs(majorant.value)
            value = replace(value, rounding=rounding)
        own = np.zeros_like(self.terms)
        state, error = self.modes.T
        np.add.at(own[:, 0], self.own, v * state)
        error = error + (FEW + together) * EPS * np.abs(state)
        np.add.at(own[:, 1], self.own, np.abs(v) * error)
        return self._piece(value, majorant, own)

    def _observed(self, v: Array) -> Residues:
        """Residues of feed · Σ_j v_j exp(−r_j u), convolved with y."""
        total = np.bincount(self.label, v, self.roots.rates.size).astype(np.float64)
        return observation_residues(self.roots, self.feed * total)

    def _piece(self, residues: Residues, majorant: Residues, own: Array) -> Piece:
        value, slack = (
            convolve(self.roots, seen, self.sigma, terms, reading=of_exponentials, own=added)
            for seen, terms, added in zip((residues, majorant), self.terms.T, own.T, strict=True)
        )
        return Piece(self.start, self.pace, value, slack)

    def end(self, stop: float) -> Array:
        """The modes at time `stop` and bounds on their errors, shape (modes, 2)."""
        time = self.pace * (stop - self.start)
        with np.errstate(all="ignore"):
            added, error = _increments(self.roots, self.sigma, self.terms, time)
            power = self.rates * time
            kept = np.exp(-power)[:, None] * self.modes
            moved: Array = kept + self.feed * added[self.label]
            moved[:, 1] += self.feed * error.sum(axis=1)[self.label]
            rounding = (FEW + 3.0 * power) * np.abs(kept).sum(axis=1)
            moved[:, 1] += EPS * (rounding + FEW * np.abs(moved[:, 0]))
        return moved


@dataclass(frozen=True, eq=False)
class Piece:
    """An output on one segment, and what earlier errors may do to it."""

    start: float
    pace: float
    value: RealConvolution
    slack: RealConvolution

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error bounds at times `t` of this segment."""
        local = self.pace * (t - self.start)
        value, error = self.value.evaluate(local)
        slack, slack_error = self.slack.evaluate(local)
        with np.errstate(all="ignore"):
            total = _ROUNDED * (error + slack_error) + np.abs(slack)
        finite = np.isfinite(value)
        total = np.where(finite & np.isfinite(total), total, np.inf)
        return np.where(np.isnan(value), np.inf, value), total


def _increments(
    roots: SecularRoots, sigma: Array, terms: Array, time: float
) -> tuple[Array, Array]:
    """What y adds to the modes by `time` per unit of feed, and its error; (rates, right sides).

    The errors are those of the observations of one mode each: see `residues` and `convolution`.
    """
    # notation: g_k residues, Z_k the filtered forcing; D = rate_j − root_k
    Z, majorant, moved, rounding = _filtered(roots, sigma, terms, time)
    g, gradient = roots.residue[:, None], roots.root_slope[:, None]
    relative = FEW + np.log2(1 + roots.shift.size)
    blur = g * (relative * majorant + rounding)
    first = roots.residue_slope[:, None] * majorant - g * gradient * moved
    second = g * gradient * majorant
    value, error = (np.empty((roots.rates.size, Z.shape[1])) for _ in range(2))
    for part in row_chunks(roots.rates.size, roots.shift.size):
        inverse = 1.0 / ((roots.rates[part, None] - roots.origin) - roots.shift)
        value[part] = inverse @ (g * Z)
        slope = inverse @ first
        np.abs(inverse, out=inverse)
        error[part] = EPS * (inverse @ blur)
        inverse *= inverse
        error[part] += np.abs(slope + inverse @ second)
    return value, _ROUNDED * error


def _filtered(roots: SecularRoots, sigma: Array, terms: Array, time: float) -> Array:
    """Σ_i a_i φ(time; x_k, s_i) per root and right side, its majorant, slope and rounding."""
    out = np.zeros((4, roots.shift.size, terms.shape[1]))
    for part in row_chunks(sigma.size, roots.shift.size):
        shape = part.stop - part.start, roots.shift.size
        functions = all_pairs(roots, sigma[part]).functions(np.array([time]), 0.0)
        phi, moved, facing, power = functions
        moved *= facing
        phi, psi, power = (each.reshape(shape) for each in (phi, moved, power))
        a, size = terms[part], np.abs(terms[part])
        out[0] += phi.T @ a
        out[1] += phi.T @ size
        out[2] += psi.T @ size
        phi *= FEW + np.log2(1 + sigma.size) + np.abs(power)
        psi *= np.abs(roots.shift)
        out[3] += (phi + psi).T @ size
    return out
