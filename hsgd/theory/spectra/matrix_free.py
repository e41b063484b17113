"""Modes of a matrix that is too large to factor: Lanczos rules, and probes for its traces.

Gradient flow from x0 stays in the Krylov space of g = −∇f(x0), so that one Lanczos process gives
its mean, to rounding once it has converged. The noise sees traces, tr f(AᵀA): the eigenvectors
that this process has found count exactly, the rest is the mean over random probes Aᵀz with the
found directions taken out (stochastic Lanczos quadrature, deflated). What chance the probes leave
in a curve is known by leaving groups of them out in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.machine import memory
from hsgd.machine.progress import bar
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.products import Products
from hsgd.statistics.without_points import WithoutPoints
from hsgd.theory.spectra.jackknife import jackknife
from hsgd.theory.spectra.lanczos import Lanczos, Rule
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.spectra.probes import Probes

_MOST_STEPS, _STRIDE = 400, 20
"""Of the process for the mean, and how many are taken before it is asked whether that is enough."""
_CONVERGED = 1e-10
"""Residual of the solution x*, relative to the gradient at the start."""
_SHORTER = 0.8
"""Share of the steps whose rule shows what the others have changed."""
_PROBE_STEPS, _PROBE_STRIDE = 100, 10
_PROBE_RTOL = 1e-3
"""Change of what probes feed back by their last steps, relative, that shows these were enough."""
_PROFILE = np.geomspace(0.1, 1e4, 21)
"""Times at which that is asked, over the largest eigenvalue."""
_FEW, MOST_PROBES = 8, 1024
_NORM = 5e-3
"""Standard error of the kernel's norm, relative, that is small enough."""
_INVARIANT = 1e-7
"""Relative residual of an eigenvector that counts as found."""
_MOST_FOUND = 256
_SEED = 0x70726F62
_NOTHING_LEFT = 1e-12

DOUBT = WithoutPoints("doubt", "relative error of the mean", 0, "it is one of curves alone")
"""What the last steps of the process for the mean have changed, relative: a statistic of means."""


@dataclass(frozen=True, eq=False)
class Mean:
    """Gradient flow in the Krylov space of its first gradient, node by node; k nodes."""

    nodes: Array
    reach: Array
    """How far each node has to go from x0: its place is reach·(1 − e^{−damping·odometer})."""
    limit: Array
    start: Array
    """Of the residuals, as in `Modes`."""
    outside: float

    @classmethod
    def of(cls, rule: Rule, size: float, start: Array, residual: float, ridge: float) -> Mean:
        """From a rule for g, |g| = size; `start` = basisᵀx0 and |A x0 − b|² = residual."""
        # notation: c = g in the Ritz vectors, a = the gradient of the sum loss
        theta, c = rule.nodes[rule.seen], size * rule.first[rule.seen]
        a = -(c + ridge * (start[: len(rule.vectors)] @ rule.vectors[:, rule.seen]))
        reach, root = c / (theta + ridge), np.sqrt(theta)
        limit = root * reach + a / root if ridge else np.zeros_like(root)
        outside = max(0.0, residual - float(np.sum(a * a / theta)))
        return cls(theta, reach, limit, -root * reach, outside)

    def losses(self, decay: Array) -> Array:
        """½‖A m − b‖² at means, shape (m, k) → (m,)."""
        residuals = self.limit + self.start * decay
        return np.asarray(0.5 * (self.outside + np.einsum("ij,ij->i", residuals, residuals)))


@dataclass(frozen=True, eq=False, kw_only=True)
class ProductModes(Modes):
    """Nodes of the mean, nodes of a shorter process, found eigenvalues, nodes of probes.

    Attributes
    ----------
    source
        What more probes are made of.
    mean, shorter
        Gradient flow, and the same by fewer steps.
    probes
        For the noise, beside the eigenvectors found.
    """

    source: Source
    mean: Mean
    shorter: Mean
    probes: Probes

    @property
    def dimension(self) -> int:
        return self.source.products.shape[1]

    @property
    def size(self) -> int:
        return len(self.eigenvalues)

    @property
    def rounding(self) -> float:
        return float(1e-15 * self.dimension**0.5)

    @property
    def doubt(self) -> Statistic:
        return DOUBT

    @cached_property
    def replicas(self) -> tuple[Modes, ...]:
        """The same without each of some groups of probes; none where nothing is left to chance."""
        return tuple(_assembled(self, part) for part in self.probes.without_groups())

    @cached_property
    def refined(self) -> ProductModes | None:
        """The same with twice as many probes; None where there are none, or too many already."""
        count = self.probes.count
        if not count or 2 * count > MOST_PROBES:
            return None
        return _assembled(self, self.probes.joined(self.source.probes(count, count)))

    def values(self, statistic: Statistic, decay: Array, fade: Array) -> Array:
        """A statistic at means that have come some way, (m, r) → (m,)."""
        del fade  # what no row sees is in the Krylov space, too
        k = len(self.mean.nodes)
        now = decay[:, :k]
        if statistic.name == self.sampled_risk:
            return self.mean.losses(now) / self.iterations_per_unit
        if statistic is DOUBT:
            right = self.mean.losses(now)
            other = self.shorter.losses(decay[:, k : k + len(self.shorter.nodes)])
            return np.abs(other - right) / np.maximum(right, 1e-300)
        if statistic.name == "distance":
            return np.asarray((now * self.mean.reach) ** 2 @ np.ones(k))
        return statistic.values(self.source.points((1.0 - now) * self.mean.reach))

    def curvatures(self, statistic: Statistic) -> Array:
        """Along found eigenvectors, and on average at the probes' nodes; 0 at those of means."""
        if statistic.name == self.sampled_risk:
            return self.eigenvalues / self.iterations_per_unit
        found, probes = self.source.found, self.probes
        silent = np.zeros(len(self.eigenvalues) - len(found) - len(probes.nodes))
        if statistic.name == "distance":
            return np.concatenate((silent, np.full(len(found) + len(probes.nodes), 2.0)))
        if statistic is not self.source.risk:
            raise ValueError(
                f"the statistic {statistic.name!r} is not known of a matrix that is not factored: "
                "ask for 'empirical_risk', 'distance', or 'population_risk' of the problem."
            )
        weights, bent = probes.weights.mean(axis=0), probes.bent.mean(axis=0)
        heard = np.divide(bent, weights, out=np.zeros_like(bent), where=weights > 0)
        return np.concatenate((silent, self.source.found_curvatures, heard))


@dataclass(frozen=True, eq=False)
class Source:
    """A problem's products, the process for its mean, and the eigenvectors that this has found."""

    products: Products
    process: Lanczos
    x0: Array
    vectors: Array | None
    """Ritz vectors of the mean, shape (d, k); None where they do not fit."""
    found: Array
    """Eigenvalues whose eigenvectors are found, shape (q,)."""
    found_vectors: Array
    risk: Statistic | None
    """The population risk, if there is one and points can be held."""

    def points(self, way: Array) -> Array:
        """Parameters after some way along the Ritz vectors, shape (m, k) → (m, d)."""
        if self.vectors is None:
            raise MemoryError(
                "the directions of gradient flow do not fit into memory: leave population_risk out "
                "of statistics."
            )
        return np.asarray(self.x0 + way @ self.vectors.T)

    @cached_property
    def found_curvatures(self) -> Array:
        """Of the population risk along the eigenvectors found."""
        if self.risk is None or not len(self.found):
            return np.zeros(len(self.found))
        return self.risk.curvatures(self.found_vectors)

    @cached_property
    def rest(self) -> float | None:
        """The trace of AᵀA beside what is found; None where it is not known."""
        total = self.products.squared_norm
        return None if total is None else max(total - float(self.found.sum()), 0.0)

    def probes(self, first: int, count: int) -> Probes:
        """Probes number `first` and the following."""
        d, most = self.products.shape[1], (memory.available() or 2**33) // 4
        at_once = max(1, min(count, most // (8 * d * (_PROBE_STEPS if self.risk else 4))))
        starts = range(first, first + count, at_once)
        blocks = [self._block(i, min(at_once, first + count - i)) for i in starts]
        result = blocks[0]
        for block in blocks[1:]:
            result = result.joined(block)
        return result

    def _block(self, first: int, count: int) -> Probes:
        n = self.products.shape[0]
        seeds = (np.random.SeedSequence(_SEED, spawn_key=(first + i,)) for i in range(count))
        either = np.array([-1.0, 1.0])
        signs = [np.random.default_rng(seed).choice(either, n) for seed in seeds]
        w = self.products.adjoint(np.stack(signs, axis=1))
        w -= self.found_vectors @ (self.found_vectors.T @ w)
        process = Lanczos(self.products.normal, w, keep=self.risk is not None)
        with bar(None, _PROBE_STEPS, description="probe", unit="passes") as report:
            seen = np.zeros(0)
            while process.steps < _PROBE_STEPS:
                process.extend(_PROBE_STRIDE)
                report(_PROBE_STRIDE)
                rules = [process.rule(column) for column in range(count)]
                before, seen = seen, _profile(rules, process.norms)
                if len(before) and np.max(np.abs(seen - before)) <= _PROBE_RTOL * np.max(seen):
                    break
        weights = [size**2 * r.first**2 for size, r in zip(process.norms, rules, strict=True)]
        bent = weights
        if self.risk is not None:
            bent = [self._bent(process, i, r, w[:, i]) for i, r in enumerate(rules)]
        return Probes.of([r.nodes for r in rules], weights, bent)

    def _bent(self, process: Lanczos, column: int, rule: Rule, w: Array) -> Array:
        """wᵀM u times the part of w in u, for each Ritz vector u."""
        # By polarisation: a statistic knows uᵀMu alone.
        assert self.risk is not None
        u, size = process.basis(column) @ rule.vectors, process.norms[column]
        other = (w / size)[:, None]
        mixed = self.risk.curvatures(u + other) - self.risk.curvatures(u - other)
        return np.asarray(0.25 * size**2 * mixed * rule.first)


def _profile(rules: list[Rule], norms: Array) -> Array:
    """What the kernel of all probes together feeds back around some times, on a log scale."""
    largest = max(float(rule.nodes[-1]) for rule in rules)
    total = np.zeros(len(_PROFILE))
    for rule, norm in zip(rules, norms, strict=True):
        decay = np.exp(-2.0 * np.outer(_PROFILE / largest, rule.nodes))
        total += decay @ (norm**2 * rule.first**2 * rule.nodes)
    return total * _PROFILE


def _assembled(system: ProductModes, probes: Probes) -> ProductModes:
    """The same mean with other probes."""
    silent = len(system.mean.nodes) + len(system.shorter.nodes)
    found, weights = system.source.found, probes.weights.sum(axis=0) / max(1, probes.count)
    many, rest, estimated = weights / probes.nodes, system.source.rest, float(weights.sum())
    if rest is not None and estimated > 0:
        many = many * (rest / estimated)  # their trace is known
    still = np.zeros(len(found) + len(probes.nodes))
    means = system.mean.nodes, system.shorter.nodes
    quiet = np.zeros(len(system.shorter.nodes))
    return replace(
        system,
        eigenvalues=np.concatenate((*means, found, probes.nodes)),
        multiplicity=np.concatenate((np.zeros(silent), np.ones(len(found)), many)),
        residual_limit=np.concatenate((system.mean.limit, quiet, still)),
        residual_start=np.concatenate((system.mean.start, quiet, still)),
        residual_outside=system.mean.outside,
        probes=probes,
    )


def of_products(problem: LeastSquares) -> ProductModes:
    """The mode system of data whose matrix is not factored."""
    source, mean, shorter = _flow(problem)
    rest = source.rest
    total = source.products.squared_norm
    done = rest is not None and total is not None and rest <= _NOTHING_LEFT * total
    system = ProductModes(
        iterations_per_unit=problem.num_rows,
        ridge=problem.ridge,
        eigenvalues=np.zeros(0),
        residual_limit=np.zeros(0),
        residual_start=np.zeros(0),
        residual_outside=0.0,
        sampled_risk="empirical_risk",
        source=source,
        mean=mean,
        shorter=shorter,
        probes=Probes.none(),
    )
    if done:
        return _assembled(system, system.probes)
    system = _assembled(system, source.probes(0, _FEW))
    # As many probes as it takes to know the critical learning rate.
    while _spread_of_norm(system) > _NORM and (finer := system.refined) is not None:
        system = finer
    return system


def _spread_of_norm(system: ProductModes) -> float:
    """Standard error of the kernel's norm, relative."""
    norms = [replica.kernel_norm(1.0, 1.0) for replica in system.replicas]
    return float(jackknife(norms) / np.mean(norms))


def _flow(problem: LeastSquares) -> tuple[Source, Mean, Mean]:
    """The process for the mean, as long as it gains, and what it has found."""
    products, ridge, x0 = problem.products, problem.ridge, problem.x0
    n, d = products.shape
    residual = -problem.b if not x0.any() else products.forward(x0[:, None])[:, 0] - problem.b
    g = -products.adjoint(residual[:, None]) - ridge * x0[:, None]
    limit = (memory.available() or 2**33) // 4 // (8 * d)
    most, keep = min(_MOST_STEPS, n, d), min(_MOST_STEPS, n, d) <= limit
    process = Lanczos(products.normal, g, keep=keep, watched=x0)
    with bar(None, most, description="Lanczos", unit="passes") as report:
        while process.steps < most and not _is_solved(process, ridge):
            before = process.steps
            process.extend(min(_STRIDE, most - before))
            report(process.steps - before)
    rule, size = process.rule(0), float(process.norms[0])
    basis = process.basis(0) if keep else None
    start = np.array([seen[0] for seen in process.seen])
    squared = float(residual @ residual)
    mean = Mean.of(rule, size, start, squared, ridge)
    fewer = process.rule(0, max(1, int(_SHORTER * process.steps)))
    shorter = Mean.of(fewer, size, start, squared, ridge)
    seen = rule.seen
    vectors = None if basis is None else basis @ rule.vectors[:, seen]
    found, directions = np.zeros(0), np.zeros((d, 0))
    if vectors is not None:
        residuals = process.leftover[0] * np.abs(rule.vectors[-1, seen])
        good = residuals * rule.nodes.max() <= _INVARIANT * mean.nodes
        chosen = np.flatnonzero(good)[::-1][:_MOST_FOUND]
        found, directions = mean.nodes[chosen], vectors[:, chosen]
    risk = None if problem.population is None or basis is None else problem.population.risk
    source = Source(products, process, x0, vectors, found, directions, risk)
    return source, mean, shorter


def _is_solved(process: Lanczos, ridge: float) -> bool:
    """Whether the process has found where gradient flow ends: then it knows all of the way."""
    if not process.steps:
        return False
    rule = process.rule(0)
    seen = rule.seen
    last = rule.vectors[-1, seen] @ (rule.first[seen] / (rule.nodes[seen] + ridge))
    size = process.leftover[0] * rule.nodes.max()
    return bool(abs(last) * size <= _CONVERGED)
