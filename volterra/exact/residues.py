"""Residues at the secular roots: of the resolvent, and of an observation of the solution.

Each comes with what an error bound wants to know about it: its own rounding, and how it moves when
the weights of the kernel are slightly off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volterra.arrays import Array, Mask
from volterra.exact.secular import NEGLIGIBLE, SecularRoots, secular_roots


@dataclass(frozen=True, eq=False)
class Residues:
    """Residues G_k at the roots, with all that the error bound wants to know about them.

    Attributes
    ----------
    value
        G_k = g_k Σ_j v_j/(rate_j − root_k), or g_k itself for the resolvent, shape (modes,).
    rounding
        Absolute rounding error of G_k in units of epsilon, shape (modes,).
    majorant
        G_k with |v| in the place of v, shape (modes,).
    slope
        Derivative of the majorant in the direction of the errors of the kernel weights, shape
        (modes,).
    """

    value: Array
    rounding: Array
    majorant: Array
    slope: Array


def resolvent_residues(roots: SecularRoots) -> Residues:
    """Residues of the resolvent itself."""
    g, relative = roots.residue, 3.0 + np.log2(1 + roots.shift.size)
    return Residues(g, relative * g, g, roots.residue_slope)


def observation_residues(roots: SecularRoots, v: Array) -> Residues:
    """Residues of the observation with weights `v`, one for each pole."""
    # notation: G_k = g_k Σ_j v_j/D, D = rate_j − x_k
    g, relative = roots.residue, 3.0 + np.log2(1 + roots.shift.size)
    signed, positive, absolute, squared = roots.pole_sums(v)
    if not roots.positive:
        slope = roots.residue_slope * absolute - g * squared * roots.root_slope
        return Residues(g * signed, relative * g * absolute, g * absolute, slope)
    slope = roots.residue_slope * positive + g * squared * roots.root_slope
    return Residues(g * signed, relative * g * absolute, g * positive, slope)


def roots_for_observation(
    rates: Array, weights: Array, v: Array, positive: bool, deviation: float
) -> tuple[SecularRoots, Mask]:
    """Roots of a kernel in which every observed mode has at least a vanishing weight.

    An observed mode of weight zero is a pole of the observation but not of the kernel. A weight of
    1e-40 of the total gives it a root of its own, next to its rate, and changes nothing else; all
    formulas then hold as they stand, resonances included.
    """
    total = float(np.sum(weights))
    reference = total if total > 0 else float(rates[-1] if rates.size and rates[-1] > 0 else 1.0)
    floor = NEGLIGIBLE * reference
    keep = (weights > floor) | (v != 0)
    raised = np.maximum(weights[keep], floor)
    roots = secular_roots(rates[keep], raised, positive=positive, deviation=deviation)
    return roots, keep
