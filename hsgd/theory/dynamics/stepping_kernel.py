"""The inner loops of `stepping`, compiled."""

from __future__ import annotations

import numpy as np

from hsgd.checks import Array
from volterra.compiling import compiled


@compiled
def advance(
    mixing: Array,
    gains: Array,
    query: Array,
    factors: Array,
    excess: float,
    wick: float,
    ridge: float,
    eigenvalues: Array,
    driven: Array,
    damping: Array,
    residual_limit: Array,
    residual_start: Array,
    residual_outside: float,
    moments: Array,
    means: Array,
    fade: Array,
    losses: Array,
) -> None:
    """Take one step for each of `gains` (over N, so that eigenvalues are those of dΣ), in place.

    `moments` holds the second moments of each mode's errors, shape (m, m, r); `means` its mean
    errors over the start, shape (m, r), and `fade` those of what no row sees, shape (m, 1).
    `losses` receives Ψ before each step, at the point of its gradient.
    """
    # notation: M = second moments, T = A − r b cᵀ: M ← T M Tᵀ + noise·b bᵀ
    m, r = means.shape
    at, noise, T, room = np.empty(r), np.empty(r), np.empty((m, m, r)), np.empty((m, m, r))
    of_ridge, T_of_ridge, room_of_ridge = np.full(1, ridge), np.empty((m, m, 1)), np.empty((m, 1))
    for k in range(factors.size):
        A, b = mixing[k], gains[k]
        seen(query, means, moments, at, noise)
        twice_loss = residual_outside
        for j in range(r):
            residual = residual_limit[j] + residual_start[j] * at[j]
            noise[j] = residual * residual + eigenvalues[j] * noise[j]
            twice_loss += noise[j]
        losses[k] = 0.5 * twice_loss
        for j in range(r):
            own = excess * driven[j] * twice_loss + wick * eigenvalues[j] * noise[j]
            noise[j] = factors[k] * own
        transition(A, b, query, damping, T)
        transition(A, b, query, of_ridge, T_of_ridge)
        move(T, means, room[0])
        move(T_of_ridge, fade, room_of_ridge)
        carry(T, moments, room)
        for i in range(m):
            for p in range(m):
                gain = b[i] * b[p]
                if gain != 0.0:
                    for j in range(r):
                        moments[i, p, j] += gain * noise[j]


@compiled
def seen(weights: Array, means: Array, moments: Array, at: Array, spread: Array) -> None:
    """Mean and variance of a combination of the vectors, mode by mode, into `at` and `spread`."""
    for j in range(at.size):
        at[j] = 0.0
        spread[j] = 0.0
    for i in range(weights.size):
        if weights[i] != 0.0:
            for j in range(at.size):
                at[j] += weights[i] * means[i, j]
            for p in range(weights.size):
                weight = weights[i] * weights[p]
                if weight != 0.0:
                    for j in range(at.size):
                        spread[j] += weight * moments[i, p, j]


@compiled
def transition(A: Array, b: Array, query: Array, damping: Array, T: Array) -> None:
    """T = A − r b cᵀ of every mode, shape (m, m, r)."""
    for i in range(b.size):
        for p in range(b.size):
            pull = b[i] * query[p]
            for j in range(damping.size):
                T[i, p, j] = A[i, p] - damping[j] * pull


@compiled
def move(T: Array, vectors: Array, room: Array) -> None:
    """Vectors ← T vectors, mode by mode; shapes (m, m, r) and (m, r)."""
    m, r = vectors.shape
    for i in range(m):
        for j in range(r):
            room[i, j] = 0.0
        for p in range(m):
            for j in range(r):
                room[i, j] += T[i, p, j] * vectors[p, j]
    for i in range(m):
        for j in range(r):
            vectors[i, j] = room[i, j]


@compiled
def carry(T: Array, moments: Array, room: Array) -> None:
    """Moments ← T moments Tᵀ, mode by mode; shapes (m, m, r)."""
    m, r = moments.shape[1:]
    for i in range(m):
        for p in range(m):
            for j in range(r):
                room[i, p, j] = 0.0
            for q in range(m):
                for j in range(r):
                    room[i, p, j] += T[i, q, j] * moments[q, p, j]
    for i in range(m):
        for p in range(i, m):
            for j in range(r):
                moments[i, p, j] = 0.0
            for q in range(m):
                for j in range(r):
                    moments[i, p, j] += room[i, q, j] * T[p, q, j]
            for j in range(r):
                moments[p, i, j] = moments[i, p, j]
