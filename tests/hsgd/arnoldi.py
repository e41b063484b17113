"""The exact mean by Arnoldi: a witness that shares nothing with the row basis.

The raw second moments S = E xxᵀ, the mean M and a constant 1 obey one linear recursion u ← T u. In
the space of u, (T−1)u, (T−1)²u, … of a few dozen dimensions the powers of T are powers of a small
matrix. Second moments start from x = 0, since a large origin would cost digits.
"""

import numpy as np


def step_minus_one(problem, rate, noise_factor):
    """u ↦ (T − 1)u for u = (S, M, 1), flattened, in H's eigenbasis."""
    svd = problem.svd
    A, lam, n = svd.left * svd.singular_values, svd.singular_values**2, problem.num_rows
    b, delta, r = problem.b, problem.ridge, len(lam)
    c = A.T @ b

    def apply(u):
        S, M, one = u[: r * r].reshape(r, r), u[r * r : -1], u[-1]
        S = 0.5 * (S + S.T)  # rounding's antisymmetric part may grow
        drift = (S * lam - np.outer(M, c)) / n + delta / n * S
        rows = np.einsum("ij,ij->i", A @ S, A) - 2 * b * (A @ M) + one * b**2
        whole = np.outer(lam, lam) * S - np.outer(lam * M, c) - np.outer(c, lam * M)
        whole += one * np.outer(c, c)
        pull = delta / n * (lam[:, None] * S - np.outer(c, M)) / n
        batch = (1 - noise_factor) * whole / n**2 + noise_factor * (A.T * rows) @ A / n
        second = batch + pull + pull.T + (delta / n) ** 2 * S
        return np.concatenate(
            (
                (rate**2 * second - rate * (drift + drift.T)).ravel(),
                -rate / n * (lam * M - one * c + delta * M),
                [0.0],
            )
        )

    return apply, np.concatenate((np.zeros(r * r + r), [1.0])), A


def risks(problem, rate, noise_factor, iterations, dimension):
    """(1/2n) E‖Ax−b‖² at the iterations; starts from x0 = 0."""
    apply, start, A = step_minus_one(problem, rate, noise_factor)
    Q, h = [start / np.linalg.norm(start)], np.zeros((dimension + 1, dimension))
    for column in range(dimension):
        image = apply(Q[-1])
        for _ in range(2):
            basis = np.array(Q)
            part = basis @ image
            h[: column + 1, column] += part
            image -= part @ basis
        h[column + 1, column] = np.linalg.norm(image)
        Q.append(image / h[column + 1, column])
    T = np.eye(dimension) + h[:dimension]
    basis, r = np.array(Q[:dimension]), A.shape[1]
    # The risk is linear in u: its value on every basis vector.
    S, M, one = basis[:, : r * r], basis[:, r * r : -1], basis[:, -1]
    lam = problem.svd.singular_values**2
    on_basis = S[:, :: r + 1] @ lam - 2 * M @ (A.T @ problem.b) + one * (problem.b @ problem.b)
    small = np.zeros(dimension)
    small[0] = np.linalg.norm(start)
    values, done = [], 0
    for k in iterations:
        small = np.linalg.matrix_power(T, int(k) - done) @ small
        done = int(k)
        values.append(on_basis @ small / (2 * problem.num_rows))
    return np.array(values)
