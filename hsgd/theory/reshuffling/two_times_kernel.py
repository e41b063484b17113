"""The loops of `two_times`, compiled: responses and mean first, then correlations.

They are the equations of docs, theory page, "Without replacement", on cells of a pass. `single`
says that rows come in one order for ever, so that a row is met again after exactly one pass;
otherwise at any moment of each later pass. `explicit` takes the left edge of a cell for all of it:
a cell is then an iteration.
"""

from __future__ import annotations

import numpy as np

from hsgd.checks import Array
from volterra.compiling import compiled

SWEEPS = 3
"""A cell depends on its own end: so often it is computed with the last one's."""


@compiled
def respond(  # type: ignore[no-untyped-def]
    lam, counts, n, ridge, rates, cells, single, explicit, G, R, Phi, q, means
) -> None:
    """Fill in responses and mean, cell by cell.

    `G` (J, K+1, K) is what is left at an edge of a kick in a cell, `R` (K+1, K) its sum over
    directions, `Phi` (K, K) how a row's residual at a visit answers to what earlier visits have
    learned, `q` (K, K) one visit's part in that; `means` (2, J, K+1) the mean errors from a start
    of 1 without target, and from 0 with a target of 1.
    """
    # notation: a = what a cell takes of a mode, halved where both edges count; s, u, c = cells
    J, K = lam.size, rates.size
    h, half = 1.0 / cells, 0.0 if explicit else 0.5
    R[:] = 0.0
    answer, old, new = np.empty(K), np.zeros((2, J, K)), np.empty(2)
    kicked = np.zeros((J, K, K))  # G in the middle of cells
    # R at a cell's end is `stayed` less what `Phi` makes of `taken`: sweeps need no single mode.
    stayed, taken, summed, rate = np.empty(K), np.zeros((K, K)), 0, -1.0
    stays, pull, over = np.empty(J), np.empty(J), np.empty(J)
    for c in range(K):
        if rates[c] != rate:
            rate, summed = rates[c], 0
        for j in range(J):
            a = h * rate * (ridge + n * lam[j])
            over[j] = 1.0 / (1.0 + half * a)
            stays[j], pull[j] = (1.0 - (1.0 - half) * a) * over[j], h * rate * n * lam[j] * over[j]
        for u in range(summed, c):
            for s in range(u + 1):
                taken[u, s] = 0.0
            for j in range(J):
                weight = counts[j] * lam[j] * pull[j]
                for s in range(u + 1):
                    taken[u, s] += weight * kicked[j, u, s]
        summed = c
        stayed[: c + 1] = 0.0
        for j in range(J):
            weight = counts[j] * lam[j]
            for s in range(c):
                stayed[s] += weight * stays[j] * G[j, c, s]
            stayed[c] += weight * over[j]
        for s in range(c):
            R[c + 1, s] = R[c, s]
        R[c + 1, c] = stayed[c]
        for _ in range(1 if explicit else SWEEPS):
            _meet(c, cells, h, rates, single, explicit, R, q)
            for s in range(c):
                Phi[c, s] = -q[c, s]
            for u in range(c):
                met = q[c, u]
                if met != 0.0:
                    for s in range(u):
                        Phi[c, s] -= met * Phi[u, s]
            for s in range(c):
                R[c + 1, s] = stayed[s]
            for u in range(c):
                phi = Phi[c, u]
                if phi != 0.0:
                    for s in range(u + 1):
                        R[c + 1, s] -= phi * taken[u, s]
        for j in range(J):
            for s in range(c):
                answer[s] = 0.0
            new[0] = new[1] = 0.0
            for u in range(c):
                phi = Phi[c, u]
                if phi != 0.0:
                    new[0] += phi * old[0, j, u]
                    new[1] += phi * old[1, j, u]
                    for s in range(u + 1):
                        answer[s] += phi * kicked[j, u, s]
            for s in range(c):
                G[j, c + 1, s] = stays[j] * G[j, c, s] - pull[j] * answer[s]
            G[j, c + 1, c] = over[j]
            for which in range(2):
                drive = h * rate * ridge * which * over[j] + pull[j] * new[which]
                means[which, j, c + 1] = stays[j] * means[which, j, c] - drive
                old[which, j, c] = means[which, j, c] + half * (
                    means[which, j, c + 1] - means[which, j, c]
                )
            for s in range(c + 1):
                kicked[j, c, s] = G[j, c, s] + half * (G[j, c + 1, s] - G[j, c, s])


@compiled
def _meet(c, cells, h, rates, single, explicit, R, q) -> None:  # type: ignore[no-untyped-def]
    """How strongly a visit in cell c feels each earlier visit of the same row."""
    for u in range(c):
        q[c, u] = 0.0
    if single:
        for u in range(c - cells, -1, -cells):
            # Exactly a pass apart: from the side that both visits look at.
            felt = R[c, u] if explicit else 1.5 * R[c, u] - 0.5 * R[c - 1, u]
            q[c, u] = rates[u] * felt
    else:
        for u in range((c // cells) * cells):
            felt = R[c, u] if explicit else 0.5 * (R[c, u] + R[c + 1, u])
            q[c, u] = h * rates[u] * felt


@compiled
def fluctuate(  # type: ignore[no-untyped-def]
    lam, counts, n, rates, cells, single, explicit, known, G, Phi, q, C, D, P
) -> None:
    """Fill in correlations of fresh residuals `C` (K+1, K+1), of visits `D` (K, K), `P` (K,).

    `known` (K+1, K+1) is what noise and mean contribute to `C`.
    """
    # notation: A = correlation of a fresh residual with a visit's, N = covariance of the kicks
    J, K = lam.size, rates.size
    h = 1.0 / cells
    share = 1.0 if single else h
    N, between, A = np.zeros((K, K)), np.zeros((K, K)), np.zeros(K)
    weights = counts * lam * n * lam
    spread, base, cross = np.empty(K + 2), np.empty(K + 2), np.zeros((K + 2, K))
    C[0, 0] = known[0, 0]
    D[:] = 0.0
    for c in range(K):
        for e in range(c):
            C[c + 1, e] = C[e, c + 1] = 2.0 * C[c, e] - C[c - 1, e]
        C[c + 1, c] = C[c, c + 1] = C[c, c - 1] if c else C[0, 0]
        C[c + 1, c + 1] = 2.0 * C[c, c] - C[c - 1, c - 1] if c else C[0, 0]
        # Kicks up to here spread as `base`; each of this cell's correlations by a row of `cross`.
        ends = np.ascontiguousarray(G[:, c + 1, :c])
        settled = ends @ np.ascontiguousarray(N[:c, :c])
        squared = 0.0
        for j in range(J):
            squared += weights[j] * G[j, c + 1, c] ** 2
        for e in range(c + 2):
            base[e] = 0.0
            until = min(e, c)
            for s in range(until):
                cross[e, s] = 0.0
            for j in range(J):
                last, total = weights[j] * G[j, c + 1, c], 0.0
                for s in range(until):
                    total += settled[j, s] * G[j, e, s]
                    cross[e, s] += last * G[j, e, s]
                base[e] += weights[j] * total
        for _ in range(1 if explicit else SWEEPS):
            for s in range(c + 1):
                if explicit:
                    value = C[c, s]
                elif s == c or (single and (c - s) % cells == 0):
                    value = 0.5 * (C[c, s] + C[c + 1, s + 1])
                else:
                    value = 0.25 * (C[c, s] + C[c + 1, s] + C[c, s + 1] + C[c + 1, s + 1])
                between[c, s] = between[s, c] = value
            for s in range(c + 1):
                A[s] = between[c, s]
                for u in range(s):
                    A[s] += Phi[s, u] * between[c, u]
            P[c] = A[c]
            for s in range(c):
                if q[c, s] != 0.0:
                    value = A[s] - q[c, s] / share * P[s]
                    for u in range(c):
                        value -= q[c, u] * D[s, u]
                    D[c, s] = D[s, c] = value
                    P[c] -= q[c, s] * value
            for s in range(c):
                N[c, s] = N[s, c] = h * rates[c] * rates[s] * share * D[c, s]
            N[c, c] = h * rates[c] * rates[c] * P[c]
            for e in range(c + 2):
                spread[e] = base[e]
                for s in range(min(e, c)):
                    spread[e] += N[c, s] * cross[e, s]
            for s in range(c):
                spread[c + 1] += N[c, s] * cross[c + 1, s]
            spread[c + 1] += squared * N[c, c]
            for e in range(c + 2):
                C[c + 1, e] = C[e, c + 1] = known[c + 1, e] + spread[e]


@compiled
def losses(  # type: ignore[no-untyped-def]
    rates, cells, single, explicit, R, Phi, C, D, P
) -> Array:
    """Twice the training loss per row at each edge: rows seen in this pass, and the others."""
    K, h = rates.size, 1.0 / cells
    share = 1.0 if single else h
    found, seen, felt, A = np.empty(K + 1), np.empty(K), np.empty(K), np.empty(K)
    for e in range(K + 1):
        total = C[e, e]
        for s in range(e):
            felt[s] = rates[s] * R[e, s]
            seen[s] = C[e, s] if explicit else 0.5 * (C[e, s] + C[e, s + 1])
        for s in range(e):
            A[s] = seen[s]
            for u in range(s):
                A[s] += Phi[s, u] * seen[u]
            total -= 2.0 * h * felt[s] * A[s]
            inner = felt[s] * P[s]
            for u in range(e):
                inner += share * D[s, u] * felt[u]
            total += h * felt[s] * inner
        found[e] = total
    return found
