"""Where the panels of iterations lie: found on the way, with a small basis, then kept."""

from __future__ import annotations

import numpy as np

from hsgd.checks import Array
from hsgd.exact.row_basis.galerkin import Basis, Kernel, Piece, advance, forcing
from hsgd.exact.row_basis.regime import Regime
from hsgd.exact.row_basis.time_panels import Stretch


def plan(
    regime: Regime,
    basis: Basis,
    kernel: Kernel,
    start: Array | None,
    *,
    order: int,
    tolerance: float,
) -> tuple[Stretch, ...]:
    """Panels that resolve the curves to `tolerance`.

    Single iterations first, then panels that double as long as the last Chebyshev coefficients are
    small. Where they are not (modes that alternate in sign, growth), the panel is halved, down to
    single iterations again. The panels end early where the curves overflow.
    """
    last = regime.length
    state = np.zeros((kernel.powers.number, basis.size))
    panels: list[Stretch] = []
    position, accepted, singles = 0, order, 2 * order
    while position <= last:
        length = min(2 * accepted, position, last + 1 - position)
        if length >= 2 * order:
            stretch = Stretch(position, length, order)
            piece = advance(
                kernel,
                stretch,
                state,
                *forcing(regime, basis, stretch.nodes, start),
                keep=False,
            )
            if piece.finite and resolved(regime, piece, tolerance):
                panels.append(stretch)
                state, position, accepted, singles = piece.end, position + length, length, order
                continue
            accepted = length // 4
            if length // 2 >= 2 * order:
                continue
        count = min(singles, last + 1 - position)
        nodes = position + np.arange(count)
        f, seen = forcing(regime, basis, nodes, start)
        for row, node in enumerate(nodes):
            stretch = Stretch(int(node), 1, 1)
            piece = advance(kernel, stretch, state, f[[row]], seen[[row]], keep=False)
            if not piece.finite and panels:
                return tuple(panels)
            panels.append(stretch)
            state = piece.end
        position, accepted, singles = position + count, order, 2 * singles
    return tuple(panels)


def resolved(regime: Regime, piece: Piece, tolerance: float) -> bool:
    """Whether the last coefficients are below the tolerance, or are the rounding of residuals."""
    coefficients = piece.stretch.to_coefficients @ piece.y
    tail = float(np.linalg.norm(coefficients[-2:], axis=1).max())
    smallest = float(np.linalg.norm(piece.y, axis=1).min())
    return bool(tail <= tolerance * smallest + 1e-14 * np.sqrt(smallest * regime.start_size))
