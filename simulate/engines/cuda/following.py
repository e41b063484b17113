"""The host's side of replicates that follow a rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import DataRows, FreshFeatures, FreshRows, Plan
from simulate.engines.cuda import device
from simulate.engines.cuda.device import cuda
from simulate.engines.cuda.order import Order
from simulate.engines.cuda.replicates import Replicates
from simulate.engines.cuda.rules import (
    CODES,
    follow_dense,
    follow_features,
    follow_fresh,
    follow_sparse,
)
from simulate.rules import Memory, Nearest


class Following(Replicates):
    """They follow a rule, on any rows."""

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        super().__init__(plan, keys, arrays)
        assert plan.rule is not None
        self._data, self._rule = data, plan.rule
        if isinstance(plan.rows, DataRows):
            self._order = Order(plan, plan.rows, self._keys)
        else:
            row = cuda.device_array((self._count, plan.dimension), dtype=plan.dtype)
            self._room: tuple[Any, ...] = (row,)
            if isinstance(plan.rows, FreshFeatures):
                self._room = (cuda.device_array((self._count, plan.rows.num_normals)), row)
        self._pulls = cuda.to_device(np.zeros((self._count, plan.dimension)))
        vectors, constants = np.zeros((4, 1)), np.array([plan.ridge_per_row, 0.0, 0.0])
        if isinstance(self._rule, Nearest):
            rule = self._rule
            vectors = np.stack((rule.eigenvalues, rule.coefficients, rule.weights, rule.slopes))
            constants[1:] = rule.spread, rule.noise_variance
        self._what = (CODES[type(self._rule)], *map(cuda.to_device, (vectors, constants)))
        names = [name for name in self._arrays if name != "x"]
        none = np.zeros((self._count, 1))
        self._state = self._arrays[names[0]] if names else cuda.to_device(none)

    @staticmethod
    def start(plan: Plan) -> dict[str, Array]:
        assert plan.rule is not None
        rows, x0 = plan.rows, plan.x0
        x = rows.to_basis(x0) if isinstance(rows, FreshRows) else x0
        return {"x": x, **plan.rule.new_state(len(x0))}

    def advance(self, first: int, last: int, records: Any, slot: int) -> None:
        plan, rule = self._plan, self._rule
        sizes = plan.batches.between(first, last + 1)
        factors = np.zeros((3, 1))
        if isinstance(rule, Memory):
            schedules = (rule.momentum_rates, rule.forgettings, rule.gradient_rates)
            factors = np.stack([schedule.between(first, last) for schedule in schedules])
        window = (plan.rates.up_to(first, last), sizes, np.array(records))
        self._launch(
            first,
            sizes[:-1],
            (cuda.to_device(factors), first, *map(cuda.to_device, window), slot),
        )

    def _launch(self, first: int, sizes: Any, window: tuple[Any, ...]) -> None:
        plan = self._plan
        launch: Any = (self._count, device.THREADS)
        changing = (self._arrays["x"], self._state, self._pulls, self._points, self._diverged)
        rest = (*self._what, *window, *changing)
        if isinstance(plan.rows, DataRows):
            kernel = follow_sparse if hasattr(plan.rows.A, "tocsr") else follow_dense
            rows = (*self._data, self._order.between(first, sizes))
        else:
            kernel = follow_fresh if isinstance(plan.rows, FreshRows) else follow_features
            rows = (self._keys, *self._data, plan.batches.rows_before(first), *self._room)
        kernel[launch](rows, *rest)
