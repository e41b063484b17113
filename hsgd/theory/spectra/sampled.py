"""Modes of rows that are sampled but not drawn: the spectrum of a typical sample."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hsgd.checks import EPS, Array
from hsgd.interfaces import Statistic
from hsgd.kept import kept
from hsgd.machine import memory
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.spectra.sample_covariance import SampleSpectrum
from hsgd.theory.spectra.sources import sources_of


@dataclass(frozen=True, eq=False, kw_only=True)
class TypicalModes(Modes):
    """Nodes of the spectrum of AᵀA for n rows of a covariance Σ; see `Modes`.

    Each node comes once for each source of its residual: the target, the start, the label noise.
    The first `len(spectrum.nodes)` are those that noise sees, the others have no multiplicity.

    Attributes
    ----------
    spectrum
        The nodes x of AᵀA/n, and its measures.
    target, mixed, start
        β_i², β_i x0_i and x0_i² of each eigenvalue of Σ, shape (k,).
    label_noise
        η, its standard deviation.
    total_dimension
        d.
    """

    spectrum: SampleSpectrum
    target: Array
    mixed: Array
    start: Array
    start_unseen: float
    """|x0|² where Σ is zero."""
    label_noise: float
    total_dimension: int
    error: float
    """Relative, of what the nodes make of all modes, target and start."""

    @property
    def dimension(self) -> int:
        return self.total_dimension

    @property
    def size(self) -> int:
        return len(self.eigenvalues)

    @property
    def rounding(self) -> float:
        return float(8.0 * EPS * len(self.eigenvalues) ** 0.5)

    @property
    def node_error(self) -> float:
        """As far as sums over the nodes miss what is known of them."""
        return self.error

    def curvatures(self, statistic: Statistic) -> Array:
        """Mean uᵀMu over the eigenvectors u at each node, and so at its copies."""
        r = len(self.spectrum.nodes)
        if statistic.name == self.sampled_risk:
            first = self.eigenvalues[:r] / self.iterations_per_unit
        elif statistic.name == "population_risk":
            first = self._overlap
        else:
            first = np.full(r, 2.0)
        return np.tile(first, len(self.eigenvalues) // r)

    def values(self, statistic: Statistic, decay: Array, fade: Array) -> Array:
        """A statistic at means that have come some way, (m, r) and (m,) → (m,)."""
        if statistic.name == self.sampled_risk:
            return self.losses(decay) / self.iterations_per_unit
        at_nodes = decay[:, : len(self.spectrum.nodes)]
        if statistic.name == "population_risk":
            return self._population_risk(at_nodes, fade)
        return self._distance(at_nodes, fade)

    @cached_property
    def _overlap(self) -> Array:
        """uᵀΣu at the nodes: n σ over the measure of all eigenvalues."""
        mu, _ = self.spectrum.measure(self.spectrum.counts)
        return self.spectrum.num_rows * self.spectrum.weights / mu

    @property
    def _shrinkage(self) -> Array:
        """x/(x + ridge/n) at the nodes."""
        x = self.spectrum.nodes
        return x / (x + self.ridge / self.spectrum.num_rows)

    def _population_risk(self, decay: Array, fade: Array) -> Array:
        # notation: f = what is left of the target, e of the start, at the nodes and at zero
        s, x = self.spectrum, self.spectrum.nodes
        f = 1.0 - self._shrinkage * (1.0 - decay)
        f, e = _with(f, np.ones(len(f))), _with(decay, fade)
        forms = self._forms
        risk = np.einsum("ij,ij->i", f @ forms[0], f)
        if self.start.any():
            risk -= 2.0 * np.einsum("ij,ij->i", f @ forms[1], e)
            risk += np.einsum("ij,ij->i", e @ forms[2], e)
        learned = self._shrinkage * (1.0 - decay)
        risk += self.label_noise**2 * (1.0 + learned**2 @ (s.weights / x))
        return np.asarray(0.5 * np.maximum(risk, 0.0))

    def _distance(self, decay: Array, fade: Array) -> Array:
        s, h = self.spectrum, self._shrinkage
        (bb, bx, xx), (_, _, unseen) = s.measure(self._sources)
        mu, _ = s.measure(s.counts)
        noise = self.label_noise**2 * mu * h**2 / (s.num_rows * s.nodes)
        square = decay**2 @ (bb * h**2 - 2.0 * bx * h + xx + noise)
        # What no row sees stays where it is without a ridge, and is part of the minimiser then.
        still = fade**2 * (unseen + self.start_unseen) if self.ridge else 0.0
        return np.asarray(square + still)

    @property
    def _sources(self) -> Array:
        return np.stack((self.target, self.mixed, self.start))

    @cached_property
    def _forms(self) -> list[Array]:
        """Population risk as quadratic forms in f and e: of target, both, and start."""
        sources = self._sources[: 3 if self.start.any() else 1]
        memory.check(
            8 * (len(sources) + 3) * (len(self.spectrum.nodes) + 1) ** 2,
            f"the population risk on {len(self.spectrum.nodes)} nodes of the spectrum",
            "different eigenvalues",
        )
        nu, at_zero = self.spectrum.measure(sources * self.spectrum.eigenvalues)
        sigma = np.append(self.spectrum.weights, self.spectrum.at_zero)
        x = np.append(self.spectrum.nodes, 0.0)
        return [form(x, np.append(n, z), sigma) for n, z in zip(nu, at_zero, strict=True)]


def form(x: Array, nu: Array, sigma: Array) -> Array:
    """The matrix of Σ_j ν_j f_j² + Σ_jk ν_j σ_k (f_j − f_k)²/(x_k − x_j), shape (r, r).

    With ν = λ_i ν_i it is u_iᵀ f(AᵀA/n) Σ f(AᵀA/n) u_i for any function f (docs, theory page,
    "Typical samples"): eigenvectors of a sample mix what the covariance keeps apart.
    """
    apart = x[None, :] - x[:, None]
    np.fill_diagonal(apart, 1.0)
    mixed = (nu[:, None] * sigma - nu * sigma[:, None]) / apart
    np.fill_diagonal(mixed, 0.0)
    return np.asarray(np.diag(nu + mixed.sum(axis=1)) - mixed)


def _with(columns: Array, last: Array) -> Array:
    return np.concatenate((columns, last[:, None]), axis=1)


def of_sampled(problem: SampledLeastSquares) -> TypicalModes:
    """The mode system of a typical sample."""
    # notation: p, q = limit and start of the residuals at the nodes, for each source
    n, ridge, rows = problem.num_rows, problem.ridge, problem.equivalent
    sources, known = sources_of(rows), _spectra(rows)
    if n not in known:
        known[n] = SampleSpectrum.of(sources.eigenvalues, sources.counts, n)
    spectrum = known[n]
    bb, bx, xx = spectrum.measure(sources.products)[0]
    mu, _ = spectrum.measure(sources.counts)
    target, mixed, start = sources.products
    positive = (target, target * sources.eigenvalues, start, start * sources.eigenvalues)
    x = spectrum.nodes
    # Target and start are two vectors, of which at each node only the Gram matrix matters.
    b = np.sqrt(bb)
    along = np.divide(bx, b, out=np.zeros_like(b), where=b > 0)
    across = np.sqrt(np.maximum(xx - along**2, 0.0))
    left, kept = ridge / (n * x + ridge), n * x / (n * x + ridge)
    root, noise = np.sqrt(n * x), rows.noise * np.sqrt(mu)
    p = [-root * b * left, np.zeros_like(x), -noise * left]
    q = [root * (along - b * kept), root * across, -noise * kept]
    used = [0] + [i for i in (1, 2) if q[i].any()]
    copies = len(used)
    return TypicalModes(
        iterations_per_unit=n,
        ridge=ridge,
        eigenvalues=np.tile(n * x, copies),
        multiplicity=np.concatenate((mu, np.zeros((copies - 1) * len(x)))),
        residual_limit=np.concatenate([p[i] for i in used]),
        residual_start=np.concatenate([q[i] for i in used]),
        residual_outside=rows.noise**2 * (n - spectrum.rank),
        sampled_risk="empirical_risk",
        wick=1.0,  # up to 1/n: rows of a typical sample are as good as Gaussian in every mode
        spectrum=spectrum,
        target=target,
        mixed=mixed,
        start=start,
        start_unseen=sources.start_unseen,
        label_noise=rows.noise,
        total_dimension=problem.dimension,
        error=sources.error + max(spectrum.error, *(spectrum.defect(one) for one in positive)),
    )


@kept
def _spectra(rows: GaussianRows) -> dict[int, SampleSpectrum]:
    """Spectra of samples by their numbers of rows: the same for every ridge."""
    del rows
    return {}
