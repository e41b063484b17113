"""What a kind of rows is on the device: all that the loops and the host ask of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import Plan


def velocities(plan: Plan) -> Array:
    """What a state begins with behind its parameters, if that is velocities or nothing."""
    return np.zeros(plan.dimension if plan.momentum else 0)


@dataclass(frozen=True, eq=False)
class Kind:
    """Device functions of rows of one kind, and what the host does for them.

    The functions take apart what kernels know as `rows`: `data` on the device, and with data the
    numbers of the rows behind it; with fresh rows the keys before it, and behind it the first
    row's number and room for rows.
    """

    data: Callable[[Any, Any], tuple[Any, ...]]
    """(rows, dtype): arrays and numbers that all replicates read."""
    residual: Any
    """(partial, rows, constants, state, r, place, m): see `dense.dense_residual`."""
    move: Any
    """(rows, constants, state, r, place, size, rate, scales): see `dense.move_dense`."""
    note: Any
    """(state, point): copy the parameters."""
    add: Any = None
    """(rows, r, place, scale, pull): see `dense.add_dense`; None where no rule is run."""
    behind: Callable[[Plan], Array] = velocities
    """What is behind the parameters in a state at first."""
    near: bool = False
    """Whether the state may be in shared memory; the code for that takes registers, as a slice does
    where a state is no more than the parameters."""
    keeps_normals: bool = False
    """Whether there is to be room for a row's normals, before that for the rows."""
