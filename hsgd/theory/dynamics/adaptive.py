"""Learning rates that runs find on their way, in the finite-step twin.

In high dimensions what such a rule looks at is not random: squared norms of gradients, the risk,
the distance to the minimum. So γ_k is a function of the modes' means and variances, and the twin
takes a step of SGD with it. With e_j = x_j − x*_j, h_j = r_j/N, weights w_j and
q_j = p_j² + λ_jV_j, whose sum is 2Ψ, the two numbers behind all of them are

    slope = Σ_j w_j h_j E e_j²,
    bend  = Σ_j w_j h_j² E e_j² + φ [ (2Ψ/N) Σ_j w_j λ_j/N + wick Σ_j w_j λ_j q_j/N² ].

γ = slope/bend brings x nearest to x* where nearness is Σ w e²: w = h is line search, w = 1 Polyak's
step. With w = 1 `bend` is E|g|², which AdaGrad-Norm adds up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.adaptive import AdaGradNorm, LineSearch
from hsgd.checks import Array
from hsgd.theory.dynamics.stepping import CHUNK, SteppedCurves, check_work
from hsgd.theory.question import Question
from hsgd.theory.spectra.eigenmodes import EigenModes


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveCurves(SteppedCurves):
    """Curves, and the learning rates that were found."""

    rates: Array
    """γ as it is known before each of the iterations, shape (m,)."""
    fluctuation: Array
    """Relative variance of the loss of a single run, of which the rule's γ is a function, (m,)."""


def step_adaptively(question: Question, iterations: NDArray[np.int64]) -> AdaptiveCurves:
    """Step to the last of the ascending `iterations`, shape (m,), and keep the modes at each.

    Raises
    ------
    ValueError
        For rows that are not drawn, or more steps than can be taken.
    """
    # Numba only where it is needed.
    from hsgd.theory.dynamics.adaptive_kernel import Looked, advance, measured

    system, algorithm = question.system, question.algorithm
    if not isinstance(system, EigenModes):
        raise ValueError(
            f"{type(algorithm).__name__} looks at its own parameters, which are not at hand here: "
            "draw rows by problem.sample(n, seed), or stream fresh ones."
        )
    check_work(system, int(iterations[-1]))
    adds_up = isinstance(algorithm, AdaGradNorm)
    N, count = system.iterations_per_unit, len(system.eigenvalues)
    by_slope = isinstance(algorithm, LineSearch)
    weights = system.damping / N if by_slope else np.ones(count)
    unseen = float(system.start_outside @ system.start_outside)
    unseen_weight = system.ridge / N if by_slope else 1.0
    modes = Looked(
        N=float(N),
        ridge=float(system.ridge),
        eigenvalues=system.eigenvalues,
        driven=system.driven,
        damping=system.damping,
        residual_limit=system.residual_limit,
        residual_start=system.residual_start,
        residual_outside=system.residual_outside,
        start=system.start,
        wick=system.wick,
        excess=question.excess,
        weights=weights,
        unseen=unseen * unseen_weight,
    )
    means, variances, fade = np.ones(count), np.zeros(count), np.ones(1)
    energy = np.array([algorithm.initial**2 if isinstance(algorithm, AdaGradNorm) else 0.0])
    shape = (len(iterations), count)
    decays, spreads, fades = np.empty(shape), np.empty(shape), np.empty(len(iterations))
    rates, fluctuation = np.empty(len(iterations)), np.empty(len(iterations))
    done = 0
    for position, target in enumerate(iterations):
        while done < target:
            last = min(int(target), done + CHUNK)
            time = np.arange(done, last) / N
            factors = np.asarray(algorithm.schedule(time)), question.noise_factors(time)
            advance(modes, adds_up, *factors, energy, means, variances, fade)
            done = last
        now = np.array([done / N])
        factor, phi = float(algorithm.schedule(now)[0]), float(question.noise_factors(now)[0])
        slope, bend, twice_loss, spread = measured(modes, phi, means, variances, fade)
        rates[position] = factor / energy[0] ** 0.5 if adds_up else _quotient(factor * slope, bend)
        fluctuation[position] = _quotient(spread, twice_loss**2)
        decays[position], spreads[position], fades[position] = means, variances, fade[0]
    return AdaptiveCurves(
        system,
        iterations,
        decays,
        spreads,
        fades,
        question.excess,
        1.0,
        question.rtol,
        rates=rates,
        fluctuation=np.maximum.accumulate(np.nan_to_num(fluctuation)),
    )


def _quotient(over: float, under: float) -> float:
    return over / under if under else 0.0
