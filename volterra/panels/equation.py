"""An equation whose kernel is a function, with everything in one shape: times x m x columns.

A scalar equation is a system of dimension one, a single right-hand side one column. A second set
of columns may ride along: what errors become (the equation linearised, driven by them).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from volterra.arrays import EPS, Array
from volterra.kernels.exponentials import SumOfExponentials
from volterra.kernels.functions import Convolution, Hammerstein, Kernel, as_function_kernel
from volterra.panels.panel import STAGES, Panel, panel
from volterra.solution import Forcing, forcing_rounding
from volterra.stepping import HUGE, ROUNDING, grid, last_time

LIMIT_BYTES = 4 * 2**30
_NEWTON = 15
_MOST_LANDINGS = 400


@dataclass(frozen=True, eq=False)
class GeneralEquation:
    """Forcing, kernel and nonlinearity, and the shape of y at one time.

    `shape` is () or (m,), (r,), (m, r): the caller's. Inside it is always (m, columns).
    """

    forcing: Forcing
    kernel: Convolution | Kernel
    law: Hammerstein | None
    shape: tuple[int, ...]
    m: int
    columns: int
    panels: tuple[Panel, Panel] = field(repr=False)
    landings: tuple[float, ...] = ()
    """Times on which panels end, ascending: where y or a derivative of it may jump."""
    grid: Array = field(default_factory=lambda: np.zeros(0), repr=False)
    """Times at which the functions are looked at besides those of the panels."""

    @property
    def breaks(self) -> Array:
        """Differences of times at which the kernel is not smooth."""
        return np.asarray(self.kernel.breakpoints, dtype=np.float64)

    @property
    def longest(self) -> float:
        """The longest panel: across itself it sees no breakpoint of the kernel."""
        return float(np.min(self.breaks, initial=math.inf))

    @property
    def singularity(self) -> float:
        """The kernel's exponent."""
        return self.kernel.singularity

    def panel(self, index: int) -> Panel:
        """The reference panel for a panel of the mesh."""
        return self.panels[0 if index == 0 else 1]

    def source(self, t: Array) -> Array:
        """The forcing, shape (times, m, columns), checked."""
        return forcing_values(self.forcing, t, self.shape).reshape(t.size, self.m, self.columns)

    def matrices(self, t: Array, difference: Array) -> Array:
        """Smooth kernel factor at t and s = t − difference, shape (…, m, m)."""
        t = np.broadcast_to(t, difference.shape)
        return self.kernel.values(t, np.maximum(t - difference, 0.0), difference)

    def singular_matrices(self, t: Array, difference: Array) -> Array:
        """The kernel itself there: the smooth factor times difference^−singularity."""
        smooth = self.matrices(t, difference)
        if self.singularity == 0.0:
            return smooth
        out: Array = smooth * (difference**-self.singularity)[..., None, None]
        return out

    def own(self, index: int, start: float, length: float) -> Array:
        """Integrals over the panel itself: a matrix from z at its nodes, (q m) x (q m)."""
        rule, m = self.panel(index), self.m
        t = start + length * rule.positions
        kernel = self.matrices(t[:, None], length * rule.distance)
        flat = kernel.reshape(STAGES, -1, m * m)
        moments = length ** (1.0 - self.singularity) * (rule.basis.transpose(0, 2, 1) @ flat)
        ordered = moments.reshape(STAGES, STAGES, m, m).transpose(0, 2, 1, 3)
        out: Array = ordered.reshape(STAGES * m, STAGES * m)
        return out

    def apply_law(self, t: Array, y: Array) -> Array:
        """What stands under the integral, z = g(t, y), shape as y's: times x m x columns."""
        if self.law is None:
            return y
        values = y[:, :, 0] if self.kernel.dimension else y[:, 0, 0]
        z = np.asarray(self.law.nonlinearity(t, values))
        if z.shape != values.shape or z.dtype.kind not in "iuf":
            raise ValueError(
                f"the nonlinearity g(s, y) must return real numbers of the shape of y; shape "
                f"{values.shape} gave {z.shape} of dtype {z.dtype}: vectorise it."
            )
        return z.astype(np.float64).reshape(t.size, self.m, 1)

    def slope(self, t: Array, y: Array) -> Array:
        """dg/dy as matrices (times, m, m); by differences if it is not given."""
        m = self.m
        if self.law is None:
            return np.broadcast_to(np.eye(m), (t.size, m, m))
        if self.law.derivative is None:
            return self._difference_quotient(t, y)
        values = y[:, :, 0] if self.kernel.dimension else y[:, 0, 0]
        slope = np.asarray(self.law.derivative(t, values), dtype=np.float64)
        expected = (t.size, m, m) if self.kernel.dimension else (t.size,)
        if slope.shape != expected:
            raise ValueError(
                f"the derivative of the nonlinearity must have shape {expected}, one value (or "
                f"m x m matrix) per time; got {slope.shape}."
            )
        return slope.reshape(t.size, m, m)

    def _difference_quotient(self, t: Array, y: Array) -> Array:
        middle = self.apply_law(t, y)[:, :, 0]
        out = np.empty((t.size, self.m, self.m))
        for j in range(self.m):
            # The usual compromise, √ε, between the quotient's curvature and its rounding.
            step = math.sqrt(EPS) * np.maximum(np.abs(y[:, j, 0]), 1e-3 * np.max(np.abs(y)) + 1e-30)
            moved = y.copy()
            moved[:, j, 0] += step
            out[:, :, j] = (self.apply_law(t, moved)[:, :, 0] - middle) / step[:, None]
        return out


def general_equation(
    forcing: Forcing,
    kernel: Convolution | Kernel | SumOfExponentials | Hammerstein,
    t: Array,
    breakpoints: tuple[float, ...] = (),
) -> GeneralEquation:
    """Read off the shapes, calling every user function once on the requested times.

    Raises
    ------
    ValueError
        If a function returns a wrong shape or a value that is not finite.
    MemoryError
        If the matrices of a single panel would not fit.
    """
    law = kernel if isinstance(kernel, Hammerstein) else None
    inner = as_function_kernel(kernel.kernel if isinstance(kernel, Hammerstein) else kernel)
    m = inner.dimension
    probe = np.unique(np.concatenate([[0.0], t]))
    shape = _forcing_shape(forcing, probe, m, law)
    columns = math.prod(shape) // (m or 1)
    reference = panel(inner.singularity, True), panel(inner.singularity, False)
    stop = last_time(t)
    landings = _landings(breakpoints, np.asarray(inner.breakpoints), stop)
    equation = GeneralEquation(
        forcing, inner, law, shape, m or 1, columns, reference, landings, grid(stop)
    )
    _refuse_too_large(equation, t)
    # Everywhere in the triangle, not on the diagonal: there a singular factor is not the user's.
    s = np.multiply.outer(probe[1:], [0.0, 0.5]) if probe.size > 1 else np.zeros((1, 1))
    late = probe[1:, None] if probe.size > 1 else np.full((1, 1), 1.0)
    equation.matrices(late, late - s)
    if law is not None:
        at_rest = equation.source(probe)
        with np.errstate(all="ignore"):
            equation.slope(probe, at_rest)
        if not np.all(np.isfinite(equation.apply_law(probe[:1], at_rest[:1]))):
            raise ValueError(
                "the nonlinearity g(s, y) is not finite at s = 0 and y = f(0), where the solution "
                "starts: make it finite there."
            )
    return equation


def _landings(forced: tuple[float, ...], breaks: Array, stop: float) -> tuple[float, ...]:
    """Where y or a derivative of it may jump, up to and with the last time.

    Where f jumps so does y, and at the start it does, too. Through a breakpoint b of the kernel a
    jump at t shows again at t + b, one derivative higher, until panels resolve it anyway.
    """
    found = latest = np.array([0.0, *forced])
    for _ in range(STAGES):
        latest = np.add.outer(latest, breaks).reshape(-1)
        latest = np.unique(np.round(latest[latest < stop], 12))
        if latest.size == 0 or found.size + latest.size > _MOST_LANDINGS:
            break
        found = np.union1d(found, latest)
    close = np.diff(found, prepend=-math.inf) < 1e-11 * stop  # the same but for rounding
    inner = found[~close & (found > 0) & (found < stop)]
    return (*inner.tolist(), stop)


def _refuse_too_large(equation: GeneralEquation, t: Array) -> None:
    """A panel's matrices and the answer itself must fit."""
    rows = STAGES * equation.m
    quadrature = equation.panel(0).distance.size * equation.m**2
    answer = t.size * equation.m * equation.columns
    needed = 8 * (4 * rows**2 + 4 * quadrature + 8 * rows * equation.columns + 3 * answer)
    if needed > LIMIT_BYTES:
        raise MemoryError(
            f"a system of dimension {equation.m} with {equation.columns} right-hand sides needs "
            f"{needed / 2**30:.1f} GiB, more than the limit of {LIMIT_BYTES / 2**30:.0f} GiB: "
            "split the right-hand sides, or reduce the system."
        )


def _forcing_shape(
    forcing: Forcing, probe: Array, m: int | None, law: Hammerstein | None
) -> tuple[int, ...]:
    values = np.asarray(forcing(probe))
    shape = values.shape[1:]
    wanted = "(times,) or (times, r)" if m is None else f"(times, {m}) or (times, {m}, r)"
    if law is not None:
        wanted = "(times,)" if m is None else f"(times, {m})"
    most = (1 if m is None else 2) - (law is not None)
    least = 0 if m is None else 1
    fits = values.ndim > 0 and values.shape[0] == probe.size and least <= len(shape) <= most
    if not fits or (m is not None and shape[0] != m) or 0 in shape:
        raise ValueError(
            f"beside this kernel the forcing must map times to an array of the same shape or one "
            f"more axis, {wanted}; {probe.size} times gave {values.shape}: vectorise it, e.g. with "
            "np.full_like for a constant."
        )
    forcing_values(forcing, probe, shape)
    return shape


def forcing_values(forcing: Forcing, t: Array, shape: tuple[int, ...]) -> Array:
    """Values of a forcing, shape (times, *shape), refused if not real and finite."""
    values = np.asarray(forcing(t))
    if values.shape != (*t.shape, *shape) or values.dtype.kind not in "iuf":
        raise ValueError(
            f"forcing must map an array of times to real numbers of shape {(*t.shape, *shape)}, "
            f"but gave {values.shape} of dtype {values.dtype}: vectorise it."
        )
    if not np.all(np.isfinite(values)):
        good = np.isfinite(values).reshape(t.size, -1).all(axis=1)
        raise ValueError(
            f"forcing is not finite at t = {t[int(np.argmin(good))]:g}; make it finite on the "
            "whole interval from 0 to the last time."
        )
    return values.astype(np.float64)


# --------------------------------------------------------------------------- one panel


@dataclass(frozen=True, eq=False)
class PanelSolution:
    """y and z = g(t, y) at the nodes, (stages, m, columns), and the memory there.

    `amplification` is the norm of the panel's inverse, `response` that of its own integrals.
    """

    y: Array
    z: Array
    memory: Array
    amplification: float
    response: float


def solve_panel(
    equation: GeneralEquation,
    own: Array,
    t: Array,
    history: Array,
    guess: Array,
    defect: Array | None = None,
) -> PanelSolution | None:
    """Solve y = f + history + own z at the nodes; None where Newton's method does not converge.

    With a `defect`, shape (m, columns), of the integrand, the columns are doubled: the second
    half is what the rounding here, the defect, and both in earlier panels do to y.
    """
    q, m, r = STAGES, equation.m, equation.columns
    forcing = equation.source(t)
    base = (forcing + history[:, :, :r]).reshape(q * m, r)
    with np.errstate(all="ignore"):
        if equation.law is None:
            slope = None
            inverse = _inverse(own)
            y = inverse @ base
        else:
            found = _newton(equation, own, t, base, guess)
            if found is None:
                return None
            y, slope, inverse = found
        values = y.reshape(q, m, r)
        z = equation.apply_law(t, values)
        if defect is not None:
            missed = np.broadcast_to(defect, values.shape)
            carried = history[:, :, r:] + (own @ missed.reshape(q * m, r)).reshape(q, m, r)
            fresh = ROUNDING * (np.abs(values) + np.abs(forcing) + np.abs(history[:, :, :r]))
            fresh = fresh + forcing_rounding(equation.forcing)
            error = (inverse @ (fresh + carried).reshape(q * m, r)).reshape(q, m, r)
            # To first order in the errors: g(t, y + error) − g(t, y), and what g was missed by.
            moved = missed + (error if slope is None else slope @ error)
            values, z = np.concatenate([values, error], axis=2), np.concatenate([z, moved], axis=2)
        memory = history + (own @ z.reshape(q * m, -1)).reshape(q, m, -1)
        amplification = float(np.max(np.sum(np.abs(inverse), axis=1)))
        response = float(np.max(np.sum(np.abs(own), axis=1)))
    return PanelSolution(values, z, memory, amplification, response)


def _inverse(own: Array) -> Array:
    try:
        return np.asarray(np.linalg.inv(np.eye(own.shape[0]) - own), dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.full_like(own, np.nan)


def _newton(
    equation: GeneralEquation, own: Array, t: Array, base: Array, guess: Array
) -> tuple[Array, Array, Array] | None:
    """Newton's method for y = base + own g(t, y): y, dg/dy at the nodes and the inverse."""
    q, m = STAGES, equation.m
    y, last = guess.reshape(q * m, 1), math.inf
    for _ in range(_NEWTON):
        nodes = y.reshape(q, m, 1)
        slope = equation.slope(t, nodes)
        residual = base + own @ equation.apply_law(t, nodes).reshape(q * m, 1) - y
        # One Newton step solves (I − own dg/dy) change = residual.
        coupled = np.einsum("iajb,jbc->iajc", own.reshape(q * m, q, m)[:, None], slope)
        inverse = _inverse(coupled.reshape(q * m, q * m))
        change = inverse @ residual
        size, scale = float(np.max(np.abs(change))), float(np.max(np.abs(y)))
        if not math.isfinite(size) or scale > HUGE:
            return None
        y = y + change
        # Changes that are small and do not shrink any more are rounding: this is all there is.
        settled = size <= 1e-9 * scale and size >= 0.5 * last
        if size <= 4 * EPS * scale or settled or size == 0:
            return y, slope, inverse
        last = size
    return None
