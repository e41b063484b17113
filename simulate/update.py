"""The update of SGD, written once for every engine, the CPU's and the GPU's.

One iteration is x ← x − γ [ (1/B) Σ_batch a (a·x − b) + (ridge/n) x ]. By coordinate this is
x ← decay·x − Σ_batch scale·a with decay = 1 − γ·ridge/n and scale = γ·(a·x − b)/B.
"""

from __future__ import annotations

from typing import Any


def decay_factor(learning_rate: Any, ridge_per_row: Any) -> Any:
    """Factor of the parameters in one iteration, 1 − γ·ridge/n."""
    return 1.0 - learning_rate * ridge_per_row


def row_scale(learning_rate: Any, residual: Any, batch_size: Any) -> Any:
    """Multiple of a batch's row that is subtracted, γ·residual/B."""
    return learning_rate * residual / batch_size


def updated(value: Any, entry: Any, decay: Any, scale: Any) -> Any:
    """A parameter after one row's update: decay·value − scale·entry."""
    return decay * value - scale * entry
