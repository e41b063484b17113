"""Homogenized SGD integrated without modes, kernels or Volterra equations: an independent route.

The diffusion dX = −γ(HX − Aᵀb + δX)dt + γ√((2φ/n) L(X) H) dB makes M = E X and S = E XXᵀ closed and
linear; at a constant rate one matrix exponential steps them exactly.
"""

import mpmath
import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from tests.tables import fixed_point


def generator(problem, noise_factor):
    """The drift of (vec S, M, 1) is rate·D + rate²·N; returns D and N as arrays."""
    A, b, n, d = problem.A, problem.b, problem.num_rows, problem.dimension
    H, g, identity = A.T @ A, A.T @ b, np.eye(problem.dimension)
    damped = H + problem.ridge * identity
    size = d * d + d + 1
    drift, noise = np.zeros((size, size)), np.zeros((size, size))
    S, M, one = slice(0, d * d), slice(d * d, d * d + d), size - 1
    drift[S, S] = -(np.kron(damped, identity) + np.kron(identity, damped))
    drift[S, M] = np.kron(g[:, None], identity) + np.kron(identity, g[:, None])
    drift[M, M], drift[M, one] = -damped, g
    # E L = ½(tr HS − 2 g·M + b·b), and the noise adds (2φ/n) E L · H to dS/dt.
    loss = np.concatenate((0.5 * H.ravel(), -g, [0.5 * b @ b]))
    noise[S] = 2 * noise_factor / n * np.outer(H.ravel(), loss)
    return drift, noise, loss / n


def start(problem):
    return np.concatenate((np.outer(problem.x0, problem.x0).ravel(), problem.x0, [1.0]))


def exact_states(problem, noise_factor, rate, step, count, digits=None):
    """States at 0, step, …, count·step at a constant rate, by a matrix exponential.

    With `digits` in that precision (seconds); without, in double precision (about 1e-13).
    """
    drift, noise, _ = generator(problem, noise_factor)
    if digits is None:
        one_step = expm((rate * drift + rate**2 * noise) * step)
        states = [start(problem)]
        for _ in range(count):
            states.append(one_step @ states[-1])
        return np.array(states)
    with mpmath.workdps(digits):
        rate_ = mpmath.mpf(rate)
        matrix = rate_ * mpmath.matrix(drift.tolist()) + rate_**2 * mpmath.matrix(noise.tolist())
        one_step = fixed_point.exponential(matrix * mpmath.mpf(step))
        states = [mpmath.matrix(start(problem).tolist())]
        for _ in range(count):
            states.append(one_step * states[-1])
        return np.array([[float(v) for v in s] for s in states])


def scheduled_states(problem, noise_factor, schedule, times, breaks=()):
    """States at `times` along a schedule, by SciPy at its tightest tolerance."""
    drift, noise, _ = generator(problem, noise_factor)
    state, states, now = start(problem), [], 0.0
    for target in sorted({*times, *[b for b in breaks if b < times[-1]]}):
        if target > now:
            # One-sided at the jumps: the schedule is read just inside the interval.
            low, high = np.nextafter(now, target), np.nextafter(target, now)

            def slope(t, y, low=low, high=high):
                rate = float(schedule(np.array([np.clip(t, low, high)]))[0])
                return rate * (drift @ y) + rate**2 * (noise @ y)

            state = solve_ivp(
                slope, (now, target), state, method="DOP853", rtol=1e-13, atol=1e-15
            ).y[:, -1]
            now = target
        if target in times:
            states.append(state)
    return np.array(states)


def expectation(states, matrix, linear, constant):
    """E[½xᵀMx + l·x + c] of each state."""
    d = len(linear)
    return 0.5 * states[:, : d * d] @ matrix.ravel() + states[:, d * d : -1] @ linear + constant
