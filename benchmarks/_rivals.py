"""Other ways to solve the same Volterra equations, each at its best, and the problems to race on.

A rival is a function of a problem and an effort, a small whole number: it returns its answer at the
problem's times. More effort means a finer grid or a tighter tolerance. What a rival could have
prepared beforehand (its table of kernel values) is timed apart.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft
import scipy.integrate

import volterra


@dataclass(frozen=True, eq=False)
class Problem:
    """y = f + k * y, k a sum of exponentials and f(t) a constant plus a sum with the same rates."""

    name: str
    rates: np.ndarray
    weights: np.ndarray
    forcing_weights: np.ndarray
    constant: float
    times: np.ndarray

    @cached_property
    def kernel(self) -> volterra.SumOfExponentials:
        """The kernel k."""
        return volterra.SumOfExponentials(self.rates, self.weights)

    @cached_property
    def forcing(self) -> volterra.SumOfExponentials:
        """The forcing f."""
        return volterra.SumOfExponentials(self.rates, self.forcing_weights, self.constant)

    @cached_property
    def reference(self) -> np.ndarray:
        """The answer by LAPACK: eigenvectors of the symmetric state matrix, all in closed form."""
        # notation: M = s s' - diag(r), s = sqrt(w);  y = f + s.e^{Mt} * (s f)
        s = np.sqrt(self.weights)
        mu, basis = np.linalg.eigh(np.outer(s, s) - np.diag(self.rates))
        overlap = (s @ basis) ** 2
        amplitudes = np.append(self.forcing_weights, self.constant)
        decays = np.append(self.rates, 0.0)
        # y = sum_a c_a [ e^{-d_a t} + sum_k overlap_k (e^{mu_k t} - e^{-d_a t}) / (mu_k + d_a) ]
        gap = mu[:, None] + decays[None, :]
        growing = np.exp(np.outer(self.times, mu)) @ (overlap * (1 / gap @ amplitudes))
        decaying = np.exp(-np.outer(self.times, decays)) @ (amplitudes * (1 - overlap @ (1 / gap)))
        return growing + decaying

    def error(self, answer: np.ndarray) -> float:
        """Largest relative error at the problem's times."""
        return float(np.max(np.abs(answer / self.reference - 1)))


def marchenko_pastur(fraction: float, n: int = 2000, d: int = 1000) -> Problem:
    """SGD's training loss on n Gaussian rows in d dimensions, near or far from critical."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((n, d)) / np.sqrt(d)
    b = A @ rng.standard_normal(d) + 0.5 * rng.standard_normal(n)
    left, s, _ = np.linalg.svd(A, full_matrices=False)
    eigenvalues, inside = s**2, left.T @ b
    rate = 2 * fraction * n / eigenvalues.sum()
    return Problem(
        name=f"Marchenko-Pastur, n = {n}, d = {d}, {fraction} of critical",
        rates=2 * rate * eigenvalues,
        weights=rate**2 * eigenvalues**2 / n,
        forcing_weights=0.5 * inside**2,
        constant=0.5 * float(b @ b - inside @ inside),
        times=np.linspace(0.0, 50.0, 401),
    )


def power_law(horizon: float, modes: int = 1000, fraction: float = 0.5) -> Problem:
    """Eigenvalues i^-1.5, times from 1e-2 to `horizon`: seven orders of magnitude and more."""
    eigenvalues = np.arange(1.0, modes + 1) ** -1.5
    rate = 2 * fraction / eigenvalues.sum()
    return Problem(
        name=f"power law i^-1.5, {modes} rates, T = {horizon:g}, {fraction} of critical",
        rates=2 * rate * eigenvalues,
        weights=rate**2 * eigenvalues**2,
        forcing_weights=0.5 * eigenvalues,
        constant=0.01,
        times=np.concatenate([[0.0], np.geomspace(1e-2, horizon, 400)]),
    )


# ------------------------------------------------------------------------------ uniform grids


def grid(problem: Problem, effort: int) -> np.ndarray:
    """400 * 2^effort + 1 equidistant times; they contain the times of a uniform problem."""
    return np.linspace(0.0, problem.times[-1], 400 * 2**effort + 1)


def table(problem: Problem, effort: int) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and forcing on the grid: what every rule on a grid needs first."""
    t = grid(problem, effort)
    return problem.kernel(t), problem.forcing(t)


def _at_times(problem: Problem, values: np.ndarray) -> np.ndarray:
    """Pick the problem's times from the grid, where they are equidistant too."""
    return values[:: (values.size - 1) // (problem.times.size - 1)]


def trapezoid(problem: Problem, effort: int, values: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The textbook rule: order two, the square of the grid's length in operations."""
    kernel, forcing = values
    step = problem.times[-1] / (kernel.size - 1)
    y = np.empty_like(forcing)
    y[0] = forcing[0]
    for k in range(1, y.size):
        history = kernel[k:0:-1] @ y[:k] - 0.5 * kernel[k] * y[0]
        y[k] = (forcing[k] + step * history) / (1 - 0.5 * step * kernel[0])
    return _at_times(problem, y)


def picard(problem: Problem, effort: int, values: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Picard's iteration with the trapezoid rule by FFT, until it stands still (at most 2,000)."""
    kernel, forcing = values
    step = problem.times[-1] / (kernel.size - 1)
    length = scipy.fft.next_fast_len(2 * kernel.size, real=True)
    spectrum = scipy.fft.rfft(kernel, length)
    y = forcing
    for _ in range(2000):
        whole = scipy.fft.irfft(spectrum * scipy.fft.rfft(y, length), length)[: y.size]
        following = forcing + step * (whole - 0.5 * kernel * y[0] - 0.5 * kernel[0] * y)
        following[0] = forcing[0]
        if np.max(np.abs(following - y)) <= 1e-13 * np.max(np.abs(y)):
            return _at_times(problem, following)
        y = following
    return _at_times(problem, y)


def voles_table(problem: Problem, effort: int, values: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """`voles` on a table of values, in its best compiled setting here (order six)."""
    import voles

    kernel, forcing = values
    step = problem.times[-1] / (kernel.size - 1)
    answer = voles.solve_VIE_2(
        kernel_values=kernel,
        g_values=forcing,
        time_step=step,
        coll_divs=4,
        coll_choices=[0, 1, 2, 3, 4],
        quadrature="collocation",
        show_warnings=False,
    )
    return _at_times(problem, answer)


# ---------------------------------------------------------------------------- other approaches


def voles_callable(problem: Problem, effort: int) -> np.ndarray:
    """`voles` with callables: Radau collocation of order nine, on a graded mesh chosen by us."""
    import voles

    first = problem.times[1] if problem.times[1] > 0 else problem.times[2]
    uniform = np.allclose(np.diff(problem.times), problem.times[1] - problem.times[0])
    count = 8 * 2**effort
    stop = problem.times[-1]
    mesh = (
        np.linspace(0.0, stop, count + 1)
        if uniform
        else np.concatenate([[0.0], np.geomspace(first, stop, count)])
    )
    _, solution = voles.function_solve_VIE_2(
        kernel=problem.kernel,
        g=lambda t: float(problem.forcing(t)),
        mesh_breakpoints=mesh,
        coll_nodes=voles.radau_iia_nodes(5),
        return_function=True,
        show_warnings=False,
    )
    return np.asarray(solution(problem.times))


def solve_ivp(method: str) -> Callable[[Problem, int], np.ndarray]:
    """SciPy on V' = -r V + w y with y = f + sum V, at tolerance 10^-(effort+2)."""

    def solve(problem: Problem, effort: int) -> np.ndarray:
        r, w = problem.rates, problem.weights
        extra = {}
        if method in ("LSODA", "Radau", "BDF"):
            jacobian = np.outer(w, np.ones_like(w)) - np.diag(r)
            extra["jac"] = (lambda t, v: jacobian) if method == "LSODA" else jacobian
        tolerance = 10.0 ** -(effort + 2)
        result = scipy.integrate.solve_ivp(
            lambda t, v: w * (float(problem.forcing(t)) + v.sum()) - r * v,
            (0.0, problem.times[-1]),
            np.zeros_like(r),
            method=method,
            t_eval=problem.times,
            rtol=max(tolerance, 3e-14),
            atol=tolerance * float(np.min(problem.reference)) / r.size,
            **extra,
        )
        return np.asarray(problem.forcing(problem.times) + result.y.sum(axis=0))

    return solve


def dense_eigenvectors(problem: Problem, effort: int) -> np.ndarray:
    """What a careful user of LAPACK would do; exact, the cube of the modes."""
    fresh = Problem(
        problem.name,
        problem.rates,
        problem.weights,
        problem.forcing_weights,
        problem.constant,
        problem.times,
    )
    return fresh.reference


def ours(method: str) -> Callable[[Problem, int], np.ndarray]:
    """`volterra.solve` at tolerance 10^-(effort+2)."""

    def solve(problem: Problem, effort: int) -> np.ndarray:
        kernel = volterra.SumOfExponentials(problem.rates, problem.weights)
        forcing = volterra.SumOfExponentials(
            problem.rates, problem.forcing_weights, problem.constant
        )
        return volterra.solve(
            forcing, kernel, problem.times, method=method, rtol=10.0 ** -(effort + 2)
        ).y

    return solve


def timed(function: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Seconds and answer; a rival's warnings about its own difficulties are not our subject."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        answer = function()
        return time.perf_counter() - began, answer
