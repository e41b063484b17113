"""What random probes have shown of a spectrum, each on the same grid of nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hsgd.checks import Array

_WIDTH = 0.02
"""Relative distance of the grid's nodes: sums are right to a tenth of its square."""
_LEAST = 1e-15
"""Share of the largest node below which nothing is left."""
_GROUPS = 16


@dataclass(frozen=True, eq=False)
class Probes:
    """P probes on nodes e^(width·j), j = lowest, lowest + 1, …, of which there are G."""

    lowest: int
    weights: Array
    """Sums over the nodes of one probe estimate tr AᵀA f(AᵀA), shape (P, G)."""
    bent: Array
    """The same for tr M AᵀA f(AᵀA), M of the population risk; as `weights` if there is none."""

    @classmethod
    def none(cls) -> Probes:
        """No probe."""
        return cls(0, np.zeros((0, 0)), np.zeros((0, 0)))

    @classmethod
    def of(cls, nodes: Sequence[Array], weights: Sequence[Array], bent: Sequence[Array]) -> Probes:
        """From the Gauss rule of each probe: every node is shared by its neighbours on the grid."""
        largest = max(float(each.max(initial=0.0)) for each in nodes)
        kept = [each > _LEAST * largest for each in nodes]
        places = [each[k] for each, k in zip(nodes, kept, strict=True)]
        cells = [np.floor(np.log(each) / _WIDTH).astype(np.intp) for each in places]
        lowest = min(int(each.min()) for each in cells)
        length = max(int(each.max()) for each in cells) - lowest + 2
        tables = []
        for values in (weights, bent):
            table = np.zeros((len(nodes), length))
            for i, (place, cell) in enumerate(zip(places, cells, strict=True)):
                below, above = np.exp(_WIDTH * cell), np.exp(_WIDTH * (cell + 1))
                share = (above - place) / (above - below)
                value = values[i][kept[i]]
                np.add.at(table[i], cell - lowest, value * share)
                np.add.at(table[i], cell - lowest + 1, value * (1.0 - share))
            tables.append(table)
        return cls(lowest, *tables)

    @property
    def nodes(self) -> Array:
        """The grid, shape (G,)."""
        return np.asarray(np.exp(_WIDTH * (self.lowest + np.arange(self.weights.shape[1]))))

    @property
    def count(self) -> int:
        """P."""
        return len(self.weights)

    def without_groups(self) -> Iterator[Probes]:
        """All but each of some groups in turn."""
        group = np.arange(self.count) * min(self.count, _GROUPS) // max(1, self.count)
        for left_out in range(int(group.max(initial=-1)) + 1):
            kept = group != left_out
            yield Probes(self.lowest, self.weights[kept], self.bent[kept])

    def joined(self, more: Probes) -> Probes:
        """With further ones."""
        lowest = min(self.lowest, more.lowest)
        ends = (each.lowest + each.weights.shape[1] for each in (self, more))
        length = max(ends) - lowest

        def wider(each: Probes, table: Array) -> Array:
            before = each.lowest - lowest
            return np.pad(table, ((0, 0), (before, length - before - table.shape[1])))

        return Probes(
            lowest,
            np.concatenate((wider(self, self.weights), wider(more, more.weights))),
            np.concatenate((wider(self, self.bent), wider(more, more.bent))),
        )
