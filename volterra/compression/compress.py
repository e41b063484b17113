"""Compress a long sum of exponentials into a few hundred terms, with a proven error.

The rates are measured from the smallest one, which is kept exactly, put into groups within which
that distance varies by a factor of eight, and each group becomes its Gauss rule: its positive
weights reproduce the group's moments up to twice its size. Terms of negative weight are a
second sum of their own.

References
----------
G. H. Golub, G. Meurant, "Matrices, moments and quadrature with applications", 2010, chapter 6
(bounds for the exponential function from Gauss and Gauss-Radau rules).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from volterra import checks
from volterra.arrays import Array, Index
from volterra.compression.cells import GROUP, cell_number, condense
from volterra.compression.certificate import GroupRule, grid, relative_errors
from volterra.compression.gauss import Recurrence, recurrence
from volterra.kernels.exponentials import SumOfExponentials

_SHORT = 48  # a sum of so few terms is left alone
_CONDENSE = 6_000  # beyond so many points the first pass pays
_PER_NODE = 3.7  # by which one more node divides a group's error
_MAX_NODES = 44  # per group
_SPARE = 2  # nodes beyond those asked for that the recurrences provide
_ROUNDS = 4
_GAIN = 0.8  # a rule that would not become shorter by this is short enough
_HORIZON = 700.0  # exp(−700) is 1e-304: there a sum of exponentials ends
_TINY = 1e-290


@dataclass(frozen=True, eq=False)
class Compression:
    """A short sum of exponentials in the place of a long one.

    Attributes
    ----------
    sum
        The short sum S', with terms of the signs of the long sum S.
    error
        |S(t) − S'(t)| ≤ error · (sum of the absolute values of the terms of S' at t), at every
        t ≥ 0 with exp(−r t) > 1e-304, r being the smallest rate among the terms of either sign.
        For weights ≥ 0 that is a relative error.
    terms
        Number of terms of the long sum.
    """

    sum: SumOfExponentials
    error: float
    terms: int


def compress(sum: SumOfExponentials, *, rtol: float = 1e-10) -> Compression:
    """Replace a long sum of exponentials by a short one.

    S'(t) = Σ_i W_i exp(−R_i t) with |S(t) − S'(t)| ≤ error · Σ_i |W_i| exp(−R_i t).

    Parameters
    ----------
    sum
        S, of any length and any signs.
    rtol
        The error that is aimed at, relative to the sum of the absolute values of the terms.

    Returns
    -------
    Compression
        With its proven `error`: at most `rtol`, unless rounding forbids (below about 1e-13).

    Raises
    ------
    TypeError
        If `sum` is not a `SumOfExponentials`.
    ValueError
        If the sum is complex, or `rtol` is not a finite number > 0.

    Notes
    -----
    About 0.1 s per million terms, and a few milliseconds; the number of terms that are left grows
    with the logarithms of 1/rtol and of the ratio of the rates. A sum that would hardly become
    shorter is returned as it is, with error 0.

    Examples
    --------
    >>> rates = np.linspace(1.0, 2.0, 1000)
    >>> short = compress(SumOfExponentials(rates, rates**2), rtol=1e-8)
    >>> bool(short.sum.rates.size < 100 and 0 < short.error <= 1e-8)
    True
    """
    if not isinstance(sum, SumOfExponentials):
        raise TypeError(
            f"sum must be a SumOfExponentials, got {type(sum).__name__}: "
            "build one from rates and weights."
        )
    if sum.is_complex:
        raise ValueError(
            "compress needs real rates and weights, for its proof rests on positive terms: keep "
            "the complex pairs apart and compress the rest."
        )
    return Compressor(sum).to(checks.number("rtol", rtol, minimum=0.0, strict=True))


class Compressor:
    """A sum whose points are sorted into groups once, to be compressed to any tolerance."""

    def __init__(self, sum: SumOfExponentials, *, until: float = math.inf) -> None:
        """Do the work that is linear in the number of terms; errors hold up to time `until`."""
        self.sum = sum
        self.terms = sum.rates.size + (sum.constant != 0)
        self._halves = [] if self.terms <= _SHORT else _halves(sum, until)

    def to(self, rtol: float) -> Compression:
        """The shortest sum found with an error of at most `rtol`, or near it; all of it for 0."""
        if rtol == 0:
            return Compression(self.sum, 0.0, self.terms)
        rules = [half.rule(rtol) for half in self._halves]
        length = math.fsum(rates.size for rates, _, _ in rules)
        if not rules or length > 0.7 * self.terms:
            return Compression(self.sum, 0.0, self.terms)
        rates, weights = (np.concatenate([rule[i] for rule in rules]) for i in (0, 1))
        at_zero = rates == 0
        short = SumOfExponentials(
            rates[~at_zero], weights[~at_zero], math.fsum(weights[at_zero].tolist())
        )
        return Compression(short, max(error for _, _, error in rules), self.terms)


def _halves(sum: SumOfExponentials, until: float) -> list[_Half]:
    """The terms of positive and those of negative weight."""
    rates, weights = sum.rates, sum.weights
    if sum.constant != 0:
        rates, weights = np.append(rates, 0.0), np.append(weights, sum.constant)
    halves = []
    for sign in (1.0, -1.0):
        chosen = sign * weights > 0
        if np.all(chosen):
            halves.append(_Half(rates, sign * weights, sign, until))
        elif np.any(chosen):
            halves.append(_Half(rates[chosen], sign * weights[chosen], sign, until))
    return halves


class _Half:
    """Terms of one sign, as a measure on the distances from their smallest rate, in groups."""

    def __init__(self, rates: Array, weights: Array, sign: float, until: float) -> None:
        self.sign, self.smallest = sign, float(rates.min())
        distance = rates - self.smallest
        here = distance == 0
        self.atom = float(np.sum(weights[here]))
        self.groups: list[tuple[Array, Array]] = []
        self.condensed = False
        end = _HORIZON / self.smallest if self.smallest > _TINY else math.inf
        self.horizon = max(min(end, until), _TINY)
        if np.all(here):
            return
        distance, weights = distance[~here], weights[~here]
        self.nearest, self.farthest = float(distance.min()), float(distance.max())
        # Distances that matter little within the horizon need no finer groups.
        scale = max(2.0 / self.horizon, min(self.nearest, self.smallest) or self.nearest, _TINY)
        self.condensed = distance.size > _CONDENSE
        if self.condensed:
            distance, weights = condense(distance, weights, scale)
        self._split(distance, weights, cell_number(distance, scale) // GROUP)

    def _split(self, distance: Array, weights: Array, number: Index) -> None:
        order = np.argsort(number, kind="stable")
        ends = np.flatnonzero(np.diff(number[order])) + 1
        for part in np.split(order, ends):
            self.groups.append((distance[part], weights[part]))
        self._recurrences: dict[int, Recurrence] = {}

    def rule(self, rtol: float) -> tuple[Array, Array, float]:
        """Rates, signed weights and relative error."""
        if not self.groups:
            return np.array([self.smallest]), np.array([self.sign * self.atom]), 0.0
        rules, error = self._choose(rtol)
        nodes = np.concatenate([rule.gauss.nodes for rule in rules])
        weights = np.concatenate([rule.gauss.weights for rule in rules])
        used = weights > 0  # a weight may underflow
        rates = np.concatenate([[self.smallest], self.smallest + nodes[used]])
        return rates, self.sign * np.concatenate([[self.atom], weights[used]]), error

    def _choose(self, rtol: float) -> tuple[list[GroupRule], float]:
        """Adapt the number of nodes group by group to what the certificate says."""
        counts = np.full(len(self.groups), min(_MAX_NODES, self._guess(rtol)))
        best: tuple[list[GroupRule], float] | None = None
        for _ in range(_ROUNDS):
            self._prepare(counts)
            # A group with few points may have exhausted its recurrence before.
            counts = np.minimum(counts, [self._recurrences[i].degree for i in range(counts.size)])
            rules = [self._group_rule(i, int(m)) for i, m in enumerate(counts)]
            per_group, error = self._certify(rules, int(counts.max()))
            # A later round is better if it errs less; if it meets the tolerance, it is shorter.
            if best is None or error <= max(rtol, best[1]):
                best = rules, error
            following = self._adapted(counts, per_group, rtol)
            if error <= rtol and following.sum() > _GAIN * counts.sum():
                break
            counts = following
        assert best is not None
        return best

    def _adapted(self, counts: Index, per_group: Array, rtol: float) -> Index:
        """More nodes where the error is too large, fewer where it is much too small."""
        # Neighbouring groups add up: a third of the tolerance for each.
        spare = np.log(np.maximum(rtol / 3.0 / per_group, 1e-30)) / math.log(_PER_NODE)
        change = np.where(spare < 0, np.ceil(-spare), -np.floor(0.7 * spare)).astype(np.intp)
        # A rule that is the group itself is already as good as it can be.
        complete = [self._recurrences[i].is_complete(int(m)) for i, m in enumerate(counts)]
        return np.where(complete, counts, np.clip(counts + change, 1, _MAX_NODES))

    def _guess(self, rtol: float) -> int:
        """Nodes per group that a spectrum without gaps takes; the certificate has the last word.

        A rule is worst at late times, which an atom covers that is not too small.
        """
        needed = 4 + math.ceil(max(0.0, -math.log(rtol)) / math.log(_PER_NODE))
        total = self.atom + math.fsum(float(np.sum(weights)) for _, weights in self.groups)
        covered = 7.0 + math.log(max(self.atom / total, _TINY)) / math.log(_PER_NODE)
        return max(1, needed - max(0, math.floor(covered)))

    def _prepare(self, counts: Index) -> None:
        """Lanczos for all groups, to the degree that is asked for and a little more."""
        for i, (count, (s, w)) in enumerate(zip(counts, self.groups, strict=True)):
            found = self._recurrences.get(i)
            if found is None or (found.distinct is None and found.degree < count):
                self._recurrences[i] = recurrence(s, w, int(count) + _SPARE)

    def _group_rule(self, index: int, nodes: int) -> GroupRule:
        found = self._recurrences[index]
        complete = found.is_complete(nodes)
        gauss = found.gauss(nodes)
        # What the rates can hold is the distance after rounding to the grid of floating point.
        rounded = (self.smallest + gauss.nodes) - self.smallest
        return GroupRule(
            gauss=replace(gauss, nodes=rounded),
            radau=None if complete else found.radau(nodes),
            moved=np.abs(rounded - gauss.nodes),
            left=found.left,
            right=found.right,
            mass=found.mass,
            condensed=self.condensed,
        )

    def _certify(self, rules: list[GroupRule], nodes: int) -> tuple[Array, float]:
        settled = (4.0 * nodes + 60.0) / self.nearest
        last = min(self.horizon, settled)
        times = grid(1.0 / self.farthest, last)
        return relative_errors(rules, self.atom, times, forever=settled < self.horizon)
