"""Small bugs in the mean field of rows that are drawn without replacement."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_TESTS = "tests/hsgd/test_reshuffling.py"
_KERNEL = "hsgd/theory/reshuffling/two_times_kernel.py"
_REFINEMENT = "hsgd/theory/reshuffling/refinement.py"
_RUNS = f"{_TESTS}::test_it_is_the_mean_of_runs_and_independent_draws_are_not"
_DESCENT = f"{_TESTS}::test_whole_batches_are_gradient_descent"
_END = f"{_TESTS}::test_a_single_order_ends_where_the_closed_form_says"
_ORDER = f"{_TESTS}::test_cells_are_of_second_order_and_the_error_says_how_far_they_are"
_SHARP = f"{_TESTS}::test_the_error_is_that_of_one_grid_less"
_BATCHES = f"{_TESTS}::test_batches_between_two_grids"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(_KERNEL, "1.5 * R[c, u] - 0.5 * R[c - 1, u]", "0.5 * (R[c, u] + R[c + 1, u])", _ORDER),
    Mutant(_KERNEL, "(c // cells) * cells)", "c)", f"{_RUNS}[reshuffle]"),
    Mutant(_KERNEL, "Phi[c, s] -= met * Phi[u, s]", "Phi[c, s] += met * Phi[u, s]", _DESCENT),
    Mutant(
        _KERNEL,
        "old[which, j, c] = means[which, j, c] + half",
        "old[which, j, c] = means[which, j, c] + 0.0",
        _ORDER,
    ),
    Mutant(_KERNEL, "drive = h * rate * (ridge * which", "drive = h * rate * (ridge", _DESCENT),
    Mutant(_KERNEL, "elif s == c or (single and (c - s) % cells == 0):", "elif s == c:", _ORDER),
    Mutant(_KERNEL, "value -= q[c, u] * D[u, s]", "value += q[c, u] * D[u, s]", _END),
    Mutant(_KERNEL, "P[c] -= q[c, s] * value", "P[c] += q[c, s] * value", _END),
    Mutant(_KERNEL, "total += h * felt[s] * inner", "total += 0.9 * h * felt[s] * inner", _DESCENT),
    Mutant(_KERNEL, "inner += share * D[s, u] * felt[u]", "pass", _DESCENT),
    Mutant(_KERNEL, "kicks[c] = latest + last * N[c, c]", "kicks[c] = last * N[c, c]", _DESCENT),
    Mutant(
        _REFINEMENT, "better = (4.0 * grids[-1] - grids[-2]) / 3.0", "better = grids[-1]", _SHARP
    ),
    Mutant(_REFINEMENT, "np.abs(better - best)", "0.1 * np.abs(better - best)", _SHARP),
    Mutant(
        _REFINEMENT, "found.value + first * share + bend", "found.value + first * share", _BATCHES
    ),
    Mutant(
        "hsgd/theory/reshuffling/two_times.py",
        "return np.asarray(square + cross + cross.T)",
        "return np.asarray(square + cross)",
        _DESCENT,
    ),
    Mutant(
        "hsgd/theory/reshuffling/nodes.py",
        "lam = weighted / columns[0]",
        "lam = lam[first]",
        f"{_TESTS}::test_the_first_pass_is_streaming",
    ),
)
