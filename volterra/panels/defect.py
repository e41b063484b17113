"""What a panel's polynomial misses of the integrand: the part of the error two meshes may share.

Between its nodes the integrand is known twice: as the polynomial through its values at the nodes,
and as g(t, f(t) + memory(t)). Where it is smooth the two agree to the order of the method. Where it
has a kink or a jump they differ on the coarse mesh and on the fine one alike, so that comparing the
meshes alone could understate the error.
"""

from __future__ import annotations

import numpy as np

from volterra.arrays import Array
from volterra.panels.mesh import PanelMesh
from volterra.panels.panel import lagrange, nodes, points


def defect(mesh: PanelMesh) -> Array:
    """Largest miss in each panel, shape (panels, m, columns)."""
    equation, panels = mesh.equation, len(mesh.y)
    # The start of the panel too: what happens before the first node shows nowhere else.
    place = np.concatenate([[0.0], 0.5 * (points()[:-1] + points()[1:])])
    value, memory = lagrange(nodes(), place), lagrange(points(), place)
    out = np.zeros((panels, equation.m, equation.columns))
    for part, rule in ((slice(0, 1), equation.panel(0)), (slice(1, panels), equation.panel(1))):
        start, length = mesh.boundaries[:-1][part, None], np.diff(mesh.boundaries)[part, None]
        if length.size == 0:
            continue
        at_nodes = _integrand(mesh, start + length * rule.positions, mesh.y[part])
        t = start + length * place**rule.exponent
        between = np.einsum("ij,pj...->pi...", memory, mesh.memory[part])
        y = between + equation.source(t.reshape(-1)).reshape(between.shape)
        polynomial = np.einsum("ij,pj...->pi...", value, at_nodes)
        out[part] = np.max(np.abs(_integrand(mesh, t, y) - polynomial), axis=1)
    return np.where(np.isfinite(out), out, 0.0)


def worse_half(defects: Array, panels: int) -> Array:
    """The larger defect of every two halves, zero where the halves were not reached."""
    out = np.zeros((panels, *defects.shape[1:]))
    pairs = defects[: defects.shape[0] // 2 * 2].reshape(-1, 2, *defects.shape[1:])
    found = np.max(pairs, axis=1)[:panels]
    out[: len(found)] = found
    return out


def _integrand(mesh: PanelMesh, t: Array, y: Array) -> Array:
    flat = y.reshape(-1, *y.shape[2:])
    return mesh.equation.apply_law(t.reshape(-1), flat).reshape(y.shape)
