"""What the replicates of a plan are on the device."""

from __future__ import annotations

from simulate.engines.base import FreshFeatures, FreshRows, Plan
from simulate.engines.cuda.following import Following
from simulate.engines.cuda.replicates import OnDense, OnFeatures, OnSparse, OnStream


def kind(plan: Plan) -> type[OnDense | OnStream | OnFeatures | Following]:
    """The class of a plan's replicates."""
    if plan.rule is not None:
        return Following
    if isinstance(plan.rows, FreshFeatures):
        return OnFeatures
    if isinstance(plan.rows, FreshRows):
        return OnStream
    return OnSparse if hasattr(plan.rows.A, "tocsr") else OnDense
