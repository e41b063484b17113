"""The host's side of replicates that follow a rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import Plan
from simulate.engines.cuda import device
from simulate.engines.cuda.device import cuda
from simulate.engines.cuda.replicates import Replicates
from simulate.engines.cuda.rows import first_point, kind_of
from simulate.engines.cuda.rules import CODES, KERNELS
from simulate.formulas.rules import Memory, Nearest


class Following(Replicates):
    """They follow a rule, on any rows."""

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        super().__init__(plan, keys, arrays, data)
        rule = plan.rule
        assert rule is not None
        vectors, constants = np.zeros((4, 1)), np.array([plan.ridge_per_row, 0.0, 0.0])
        if isinstance(rule, Nearest):
            vectors = np.stack((rule.eigenvalues, rule.coefficients, rule.weights, rule.slopes))
            constants[1:] = rule.spread, rule.noise_variance
        self._what = (CODES[type(rule)], *map(cuda.to_device, (vectors, constants)))
        self._pulls = cuda.to_device(np.zeros((self._count, plan.dimension)))
        names = [name for name in self._arrays if name != "x"]
        none = np.zeros((self._count, 1))
        self._state = self._arrays[names[0]] if names else cuda.to_device(none)

    @staticmethod
    def start(plan: Plan) -> dict[str, Array]:
        assert plan.rule is not None
        return {"x": first_point(plan), **plan.rule.new_state(plan.dimension)}

    def advance(self, first: int, last: int, records: Any, slot: int) -> None:
        plan, rule = self._plan, self._plan.rule
        sizes, rates = plan.batches.between(first, last + 1), plan.rates.up_to(first, last)
        factors = np.zeros((3, 1))
        if isinstance(rule, Memory):
            schedules = (rule.momentum_rates, rule.forgettings, rule.gradient_rates)
            factors = np.stack([schedule.between(first, last) for schedule in schedules])
        KERNELS[kind_of(plan)][self._count, device.THREADS](
            self._rows.between(first, sizes[:-1]), *self._what, cuda.to_device(factors),
            first, *map(cuda.to_device, map(np.array, (rates, sizes, records))), slot,
            self._arrays["x"], self._state, self._pulls, self._points, self._diverged,
        )  # fmt: skip
