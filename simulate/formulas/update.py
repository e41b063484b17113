"""The update, written once for every engine, the CPU's and the GPU's.

One iteration of SGD is x ← x − γ [ (1/B) Σ_batch a (a·x − b) + ρ x ], ρ the ridge per row. By
coordinate this is x ← decay·x − Σ_batch scale·a with decay = 1 − γρ and scale = γ·(a·x − b)/B.

With momentum μ there is a velocity v, at first zero, and the residuals are those of the point
p = x + look·v, where look is 0 for heavy ball and μ for Nesterov:
v ← μ·v − γρ·p − Σ_batch scale·a and then x ← x + v.

On sparse rows the parameters are kept as factor·y, where the factor takes the decay and y changes
only where a row has entries.

Rules (`simulate.rules`) look at the whole gradient g = (1/B) Σ_batch a (a·x − b) + ρ x before they
take a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

square_root = np.sqrt  # a name of its own: GPUs have another one
SMALLEST_FACTOR = 2.0**-60
"""Factor at which it is multiplied out: far from where y would lose digits or overflow."""


def shrink_factor(learning_rate: Any, ridge_per_row: Any) -> Any:
    """What the ridge takes from the parameters in one iteration, γρ."""
    return learning_rate * ridge_per_row


def decay_factor(learning_rate: Any, ridge_per_row: Any) -> Any:
    """Factor of the parameters in one iteration, 1 − γρ."""
    return 1.0 - learning_rate * ridge_per_row


def row_scale(learning_rate: Any, residual: Any, batch_size: Any) -> Any:
    """Multiple of a batch's row that is subtracted, γ·residual/B."""
    return learning_rate * residual / batch_size


def updated(value: Any, entry: Any, decay: Any, scale: Any) -> Any:
    """A parameter after one row's update: decay·value − scale·entry."""
    return decay * value - scale * entry


def ahead(value: Any, velocity: Any, look: Any) -> Any:
    """The point at which momentum takes the gradient: value + look·velocity."""
    return value + look * velocity


def updated_velocity(velocity: Any, point: Any, pull: Any, momentum: Any, shrink: Any) -> Any:
    """A velocity after an iteration: momentum·velocity − shrink·point − pull."""
    return momentum * velocity - shrink * point - pull


def with_ridge(pull: Any, value: Any, ridge_per_row: Any) -> Any:
    """An entry of the gradient: that of the batch, pull, and the ridge's."""
    return pull + ridge_per_row * value


def stepped(value: Any, gradient: Any, learning_rate: Any) -> Any:
    """A parameter after a step along the gradient."""
    return value - learning_rate * gradient
