"""Bugs in how the theory's curves are solved, and where they are stable."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # ------------------------------------------------------------------ how curves are solved
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "np.log1p(-np.minimum(d, 1.0 - EPS / 2))",
        "np.log(1.0 - np.minimum(d, 1.0 - EPS / 2))",
        "tests/hsgd/test_finite_steps.py::test_powers_of_what_is_nearly_one_keep_their_digits",
    ),
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "((apart / far) ** 2 - 1.0) / 3.0, 0.0)",
        "0.0, 0.0)",
        "tests/hsgd/test_streaming.py::test_a_mode_whose_powers_coincide_loses_no_digits",
    ),
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "self.solution.observe(self.iteration.gain * curvatures / growth)",
        "self.solution.observe(self.iteration.gain * curvatures)",
        "tests/hsgd/test_streaming.py::test_divergence_is_predicted_too[5.0]",
    ),
    Mutant(
        "hsgd/theory/dynamics/discrete.py",
        "value = flow + (value - flow) / self.excess",
        "value = flow + (value - flow)",
        "tests/hsgd/test_finite_steps.py::test_stepping_and_solving_are_one_recursion",
    ),
    Mutant(
        "hsgd/theory/dynamics/homogenized.py",
        "return flow + (self.solution.y - flow) / self.excess, self.solution.error",
        "return self.solution.y, self.solution.error",
        "tests/hsgd/test_prediction.py::test_late_the_discrepancy_is_that_of_the_limit",
    ),
    Mutant(
        "hsgd/theory/dynamics/homogenized.py",
        "changes = (*schedule.breakpoints, *algorithm.batch_boundaries)",
        "changes = schedule.breakpoints",
        "tests/hsgd/test_prediction.py::"
        "test_steps_of_rate_and_batch_size_are_exact[0.8-with_replacement]",
    ),
    Mutant(
        "hsgd/theory/dynamics/methods.py",
        "    homogenized.METHOD,\n    discrete.METHOD,\n",
        "    discrete.METHOD,\n    homogenized.METHOD,\n",
        "tests/hsgd/test_question.py::test_the_table_of_methods",
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping.py",
        "work = float(last) * max(1, len(system.eigenvalues))",
        "work = float(last)",
        "tests/hsgd/test_finite_steps.py::test_work_is_modes_times_iterations",
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping.py",
        "EPS * per_step * self.amplification * (self.iterations + 1.0)",
        "EPS * per_step * self.amplification * np.ones(len(self.iterations))",
        "tests/hsgd/test_finite_steps.py::test_every_step_is_rounded_and_the_error_counts_them",
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping.py",
        "EPS * per_step * self.amplification *",
        "EPS * per_step *",
        "tests/hsgd/test_finite_steps.py::test_momentum_enlarges_what_every_step_rounds",
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping.py",
        "error + self._relative_rounding() * rounding",
        "error",
        "tests/hsgd/test_finite_steps.py::test_every_step_is_rounded_and_the_error_counts_them",
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping.py",
        "iterations = np.arange(self.iteration, last)",
        "iterations = np.arange(last - self.iteration)",
        "tests/hsgd/test_finite_steps.py::test_schedules_of_rate_and_batch_size",
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping_kernel.py",
        "room[i, p, j] += T[i, q, j] * moments[q, p, j]",
        "room[i, p, j] += T[i, q, j] * moments[q, q, j]",
        "tests/hsgd/test_finite_steps.py::"
        "test_momentum_is_the_moments_of_the_iteration[tall-0.5-0.4-HeavyBall]",
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping_kernel.py",
        "transition(A, b, query, of_ridge, T_of_ridge)",
        "transition(A, b, query, 0.0 * of_ridge, T_of_ridge)",
        "tests/hsgd/test_finite_steps.py::"
        "test_momentum_is_the_moments_of_the_iteration[wide-0.5-0.4-HeavyBall]",
    ),
    # ------------------------------------------------------------------ stability and limits
    Mutant(
        "hsgd/theory/stability/asymptotics.py",
        "loss = (self.bare_loss() + 0.5 * float(np.sum(heard * own))) / (1.0 - self.norm)",
        "loss = (self.bare_loss() + float(np.sum(heard * own))) / (1.0 - self.norm)",
        "tests/hsgd/test_limits.py::test_limits_of_streaming[0.05-discrete]",
    ),
    Mutant(
        "hsgd/theory/stability/base.py",
        "return self.forced_rate(learning_rate) <= self.noise_rate(learning_rate)",
        "return self.forced_rate(learning_rate) > self.noise_rate(learning_rate)",
        "tests/hsgd/test_asymptotics.py::test_regimes_with_momentum",
    ),
    Mutant(
        "hsgd/theory/stability/finite_steps.py",
        "self.system.wick * self.noise_factor * lam**2 / r",
        "self.system.wick * lam**2 / r",
        "tests/hsgd/test_streaming.py::test_closed_form_of_the_isotropic_floor",
    ),
    Mutant(
        "hsgd/theory/stability/finite_steps.py",
        "return -N * float(np.log1p(-one.settling.min()))",
        "return N * float(one.settling.min())",
        "tests/hsgd/test_asymptotics.py::test_without_noise_the_rate_is_that_of_the_smallest_eigenvalue",
    ),
    Mutant(
        "hsgd/theory/stability/iteration.py",
        "ratios = (np.abs(1.0 - self.step), 1.0 - self.settling, np.abs(1.0 - self.step) ** 2)",
        "ratios = (np.abs(1.0 - self.step), np.abs(1.0 - self.step) ** 2)",
        "tests/hsgd/test_streaming.py::test_divergence_is_predicted_too[5.0]",
    ),
    Mutant(
        "hsgd/theory/stability/momentum.py",
        "return 2.0 * (1.0 + self.momentum)",
        "return 2.0 * (1.0 - self.momentum)",
        "tests/hsgd/test_batches.py::"
        "test_the_critical_learning_rate_brackets_divergence[0.7-subset-60]",
    ),
    Mutant(
        "hsgd/theory/stability/momentum.py",
        "total = s * fed(s)",
        "total = fed(s)",
        "tests/hsgd/test_limits.py::"
        "test_rates_with_momentum_are_those_of_the_curve[0.5-HeavyBall-0.5]",
    ),
    Mutant(
        "hsgd/theory/stability/small_steps.py",
        "gaps = 2.0 * system.damping - edge",
        "gaps = 2.0 * (system.damping - edge)",
        "tests/hsgd/test_limits.py::test_the_transition_is_where_the_regime_changes",
    ),
    Mutant(
        "hsgd/theory/stability/small_steps.py",
        "return float(rates.min())",
        "return 0.5 * float(rates.min())",
        "tests/hsgd/test_asymptotics.py::test_without_noise_the_rate_is_that_of_the_smallest_eigenvalue",
    ),
)
