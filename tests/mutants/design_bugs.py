"""Small bugs in designed schedules: their values, gradients, optima and bounds."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_DESIGN, _OPTIMAL = "tests/hsgd/test_design.py", "tests/hsgd/test_optimal.py"
_ROOM = "hsgd/theory/design"
_STEPS, _CELLS = f"{_ROOM}/recursion_kernel.py", f"{_ROOM}/programme_kernel.py"
_CONVEX, _PROGRAMME = f"{_ROOM}/convex.py", f"{_ROOM}/programme.py"
_BOUND, _GOAL, _PIECES = f"{_ROOM}/certificate.py", f"{_ROOM}/goal.py", f"{_ROOM}/pieces.py"
_SLOPE = f"{_DESIGN}::test_the_recursion_is_what_predict_says_and_its_gradient_that_of_differences"
_ORACLE = f"{_DESIGN}::test_an_oracle_in_matrices_gives_the_same_value"
_NOISE = f"{_DESIGN}::test_noise_is_convex_in_the_logarithms_of_rates_and_its_gradient_right"
_DUAL = f"{_DESIGN}::test_the_dual_bound_meets_the_optimum_and_no_feasible_rates_are_below"
_RANDOM = f"{_DESIGN}::test_no_random_schedule_is_below_the_certificate"
_RISING = f"{_DESIGN}::test_a_bound_that_takes_a_rising_loss_for_a_falling_one_would_be_false"
_SCHEME = f"{_DESIGN}::test_the_scheme_is_of_second_order"
_INSIDE = f"{_DESIGN}::test_bounds_of_intervals_lie_below_all_of_their_totals"
_POOR = f"{_DESIGN}::test_polishing_from_a_poor_start_finds_the_same"
_LOSSES = f"{_OPTIMAL}::test_usual_schedules_are_as_much_worse_as_they_are_known_to_be"
_START = f"{_OPTIMAL}::test_a_statistic_that_is_lowest_at_the_start_is_left_there"
_BATCHES = f"{_OPTIMAL}::test_batches_are_optimal_and_bounded"
_SAID = f"{_OPTIMAL}::test_a_recommendation_is_what_it_says"
_UNITS = f"{_OPTIMAL}::test_budgets_in_other_units_are_the_same"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(_STEPS, "shrunk * shrunk * variances[j] +", "shrunk * variances[j] +", _ORACLE),
    Mutant(
        _STEPS, "through_loss + wick * eigenvalues[j] * of", "through_loss + eigenvalues[j] * of",
        f"{_SLOPE}[data]",
    ),
    Mutant(_STEPS, "2.0 * factor * rate * noise_worth", "factor * rate * noise_worth",
           f"{_SLOPE}[stream]"),
    Mutant(_STEPS, "shrunk * of_left[j] + 2.0 * residual", "shrunk * of_left[j] + residual",
           f"{_SLOPE}[stream]"),
    Mutant(f"{_ROOM}/recursion.py", "goal.slope(left), 0.5 * goal.curvatures",
           "goal.slope(left), goal.curvatures", f"{_SLOPE}[data]"),
    Mutant(_CELLS, "middle += factor * rates[i] * echo * first", "middle += 0.0", _SCHEME),
    Mutant(_CELLS, "echo * loss[i] * by_middle)", "loss[i] * by_middle)", f"{_NOISE}[data]"),
    Mutant(_CELLS, "(h * by_middle + by_first)", "(h * by_middle)", f"{_NOISE}[data]"),
    Mutant(_PROGRAMME, "high * steps)[0]", "low * steps)[0]", _INSIDE),
    Mutant(_PROGRAMME, "np.clip(best, late, early)", "late", _RISING),
    Mutant(_CONVEX, "np.minimum(np.log(mu * self.lengths / share), cap)",
           "np.log(mu * self.lengths / share)", f"{_DUAL}[0.9]"),
    Mutant(_CONVEX, "value + self.least_rise(x, slope)", "value", f"{_DUAL}[0.02]"),
    Mutant(_CONVEX, "price + stiffness * excess\n", "price\n", f"{_DUAL}[0.9]"),
    Mutant(_BOUND, "by_chord = np.minimum(ends[:-1], ends[1:]) - curved",
           "by_chord = np.maximum(ends[:-1], ends[1:]) + curved", _INSIDE),
    Mutant(_BOUND, "float(np.exp(found.log_bound))\n", "2.0 * float(np.exp(found.log_bound))\n",
           _INSIDE),
    Mutant(_BOUND, "return at_total(goal, total) + length**2 / goal.iterations",
           "return at_total(goal, total) + 2.0 * length**2 / goal.iterations",
           f"{_RANDOM}[stream]"),
    Mutant(_GOAL, "linear = np.append(system.start * off, -unseen @ centre)",
           "linear = np.append(system.start * off, unseen @ centre)",
           f"{_DESIGN}::test_goals_are_for_one_statistic_and_know_their_slopes"),
    Mutant(_GOAL, "least >= -_BOWL", "least >= -np.inf",
           f"{_OPTIMAL}::test_bad_input_is_refused_in_a_sentence"),
    Mutant(_PIECES, "slope / found.value", "-slope / found.value", _POOR),
    Mutant(_PIECES, "(share / lengths * slope**2) ** (1.0 / 3.0)", "(share * 0.0 + 1.0)",
           f"{_OPTIMAL}::test_few_pieces_are_cut_where_they_cost_least"),
    Mutant(f"{_ROOM}/families.py", "np.minimum(1.0, (1.0 - done) / tail)",
           "np.minimum(1.0, 1.0 - done / tail)", f"{_LOSSES}"),
    Mutant(f"{_ROOM}/totals.py", "np.log(1.0 / _SHORTEST)", "np.log(10.0)", _START),
    Mutant(f"{_ROOM}/batches.py", "sizes[piece] += 1", "sizes[piece] += 2", f"{_BATCHES}"),
    Mutant(f"{_ROOM}/batches.py", "lengths=lengths, budget=rows, log_cap=0.0",
           "lengths=lengths, budget=rows, log_cap=1.0", f"{_BATCHES}"),
    Mutant(f"{_ROOM}/setting.py", '"rows": amount}', '"rows": 2.0 * amount}', _UNITS),
    Mutant(f"{_ROOM}/setting.py", "self.cap / self.critical * critical)", "self.cap)",
           f"{_DESIGN}::test_other_batches_have_a_cap_of_their_own"),
    Mutant("hsgd/theory/recommending.py", "losses < allowed, False)", "losses > allowed, False)",
           _SAID),
    Mutant("hsgd/theory/optimal.py", "Piecewise(starts[1:], rates)",
           "Piecewise(starts[1:], rates[::-1])", f"{_OPTIMAL}::test_the_answer_in_full"),
    Mutant("hsgd/theory/gradients.py", "time = np.arange(count) / goal.per_unit",
           "time = np.arange(1, count + 1) / goal.per_unit",
           f"{_DESIGN}::test_public_gradient_has_the_same_numbers"),
)  # fmt: skip
