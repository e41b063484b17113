"""The integral of any function of time, computed once and kept: odometers of learning rates."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.polynomial import chebyshev

from hsgd.checks import Array


class Antiderivative:
    """∫₀ᵗ of a function by Chebyshev panels, bisected until each resolves the function.

    Panels narrower than 2⁻⁴⁰ of the horizon are accepted as they are: an unnamed jump then costs
    at most its height times that width.
    """

    degree = 15
    tolerance = 1e-14
    depth = 40

    def __init__(self, function: Callable[[Array], Array], breaks: tuple[float, ...]) -> None:
        self._function = function
        self._breaks = breaks
        self._lock = threading.Lock()
        self._edges: Array = np.array([0.0])
        self._totals: Array = np.array([0.0])
        self._coefficients: Array = np.zeros((0, self.degree + 2))
        self._scale = 0.0

    def __call__(self, time: Array) -> Array:
        with self._lock:
            if time.size and time.max() > self._edges[-1]:
                self._build(float(time.max()))
            edges, totals, coefficients = self._edges, self._totals, self._coefficients
        if not len(coefficients):
            return np.zeros(time.shape)
        panel = np.clip(np.searchsorted(edges, time, side="right") - 1, 0, len(edges) - 2)
        width = edges[panel + 1] - edges[panel]
        position = 2.0 * (time - edges[panel]) / width - 1.0
        inner = chebyshev.chebval(position, np.moveaxis(coefficients[panel], -1, 0), tensor=False)
        return np.asarray(totals[panel] + 0.5 * width * inner)

    def _build(self, horizon: float) -> None:
        """Go on from the last edge: what is known already never changes."""
        begin = float(self._edges[-1])
        cuts = [begin, *(b for b in self._breaks if begin < b < horizon), horizon]
        edges: list[float] = []
        coefficients: list[Array] = []
        for left, right in pairwise(cuts):
            stack = [(left, right, 0)]
            while stack:
                a, b, level = stack.pop()
                series = self._fit(a, b)
                self._scale = max(self._scale, float(np.abs(series).sum()))
                resolved = np.abs(series[-3:]).max() <= self.tolerance * self._scale
                if resolved or level >= self.depth:
                    edges.append(b)
                    coefficients.append(np.asarray(chebyshev.chebint(series, lbnd=-1)))
                else:
                    middle = 0.5 * (a + b)
                    stack += [(middle, b, level + 1), (a, middle, level + 1)]
        table = np.concatenate((self._coefficients, coefficients))
        everything = np.concatenate((self._edges, edges))
        areas = 0.5 * np.diff(everything) * chebyshev.chebval(1.0, table.T)
        self._edges = everything
        self._coefficients = table
        self._totals = np.concatenate(([0.0], np.cumsum(areas)[:-1]))

    def _fit(self, left: float, right: float) -> Array:
        nodes = chebyshev.chebpts1(self.degree + 1)
        values = self._function(0.5 * (left + right) + 0.5 * (right - left) * nodes)
        return np.asarray(chebyshev.chebfit(nodes, values, self.degree))
