"""What a panel's polynomial misses of the integrand: the part of the error two meshes may share.

Between its nodes the integrand is known twice: as the polynomial through its values at the nodes,
and as g(t, f(t) + memory(t)). Where it is smooth the two agree to the order of the method. Where it
has a kink or a jump they differ on the coarse mesh and on the fine one alike, so that comparing the
meshes alone could understate the error.
"""

from __future__ import annotations

import numpy as np

from volterra.arrays import Array, Index
from volterra.panels.mesh import PanelMesh
from volterra.panels.panel import lagrange, nodes, points
from volterra.stepping import just_after, just_before


def defect(mesh: PanelMesh, first: int = 0) -> Array:
    """Largest miss in each panel, shape (panels, m, columns); `first` is the first one's number."""
    equation, panels = mesh.equation, len(mesh.y)
    out = np.zeros((panels, equation.m, equation.columns))
    if panels == 0:
        return out
    start, length = mesh.boundaries[:-1], np.diff(mesh.boundaries)
    # The start of the panel too: what happens before the first node shows nowhere else.
    place = np.concatenate([[0.0], 0.5 * (points()[:-1] + points()[1:])])
    at_nodes = np.empty_like(mesh.y)
    for part, rule in ((slice(0, 1), equation.panel(first)), (slice(1, panels), equation.panel(1))):
        t = start[part, None] + length[part, None] * rule.positions
        t[:, -1] = just_before(t[:, -1], t[:, -2])
        at_nodes[part] = _integrand(mesh, t, mesh.y[part])
        t = start[part, None] + length[part, None] * place**rule.exponent
        t[:, 0] = just_after(t[:, 0])
        _look(mesh, at_nodes, np.arange(panels)[part].repeat(place.size), t, place, out)
    inside = (equation.grid > start[0]) & (equation.grid < mesh.horizon)
    t = equation.grid[inside]
    index = np.searchsorted(mesh.boundaries, t, side="right") - 1
    place = (t - start[index]) / length[index]
    place = np.where(index == 0, equation.panel(first).place(place), place)
    _look(mesh, at_nodes, index, t, place, out)
    return np.where(np.isfinite(out), out, 0.0)


def _look(
    mesh: PanelMesh, at_nodes: Array, index: Index, t: Array, place: Array, out: Array
) -> None:
    """Note in `out` what the polynomials of panels `index` miss at times `t`."""
    times = t.reshape(-1)
    if times.size == 0:
        return
    # Places of many panels alike are looked up once.
    one_each = (lagrange(points(), place), lagrange(nodes(), place))
    memory, value = (np.tile(m, (times.size // place.size, 1)) for m in one_each)
    y = np.einsum("ij,ij...->i...", memory, mesh.memory[index]) + mesh.equation.source(times)
    polynomial = np.einsum("ij,ij...->i...", value, at_nodes[index])
    miss = np.abs(mesh.equation.apply_law(times, y) - polynomial)
    np.maximum.at(out, index, miss)


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
