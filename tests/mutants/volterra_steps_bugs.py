"""Bugs in the solver: steps and panels."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    # ----------------------------------------------------------------- steps
    Mutant(
        "volterra/radau.py",
        "STAGES = 5",
        "STAGES = 4",
        "tests/volterra/test_collocation.py::test_order_by_regression",
    ),
    Mutant(
        "volterra/radau.py",
        "leggauss(points.size)",
        "leggauss(points.size // 2)",
        "tests/volterra/test_radau.py::test_stages_integrate_polynomials",
    ),
    Mutant(
        "volterra/radau.py",
        "-matrix.sum(axis=1)",
        "-matrix.sum(axis=0)",
        "tests/volterra/test_radau.py::test_derivative_and_interpolation_are_exact_for_polynomials",
    ),
    Mutant(
        "volterra/stepping.py",
        "start + 2 * length < stop",
        "start + length < stop",
        "tests/volterra/test_stepping.py::test_no_step_is_left_over_that_is_short_against_the_others",
    ),
    Mutant(
        "volterra/stepping.py",
        "-1.0 / order)",
        "-1.0 / (order + 1))",
        "tests/volterra/test_stepping.py::test_the_next_step_errs_by_what_is_allowed_and_little_less",
    ),
    Mutant(
        "volterra/stepping.py",
        "np.maximum(padded[:-2], padded[2:])",
        "padded[2:]",
        "tests/volterra/test_stepping.py::test_the_error_of_a_step_is_the_largest_next_to_it",
    ),
    Mutant(
        "volterra/stepping.py",
        "_LINEAR, _GEOMETRIC = 1024, 256",
        "_LINEAR, _GEOMETRIC = 102, 256",
        "tests/volterra/test_stepping.py::test_what_lasts_a_thousandth_is_looked_at",
    ),
    Mutant(
        "volterra/stepping.py",
        "if np.any(t > stop):",
        "if np.any(t > 2.0 * stop):",
        "tests/volterra/test_solve.py::test_beyond_the_horizon",
    ),
    Mutant(
        "volterra/stepping.py",
        "_INWARD = 1e-15",
        "_INWARD = 1e-17",
        "tests/volterra/test_collocation.py::test_piecewise_constant_rate_against_segments",
    ),
    Mutant(
        "volterra/collocation/question.py",
        "if np.any(np.diff(clock) < 0):",
        "if clock[-1] < clock[0]:",
        "tests/volterra/test_solve.py::test_bad_input_is_one_sentence",
    ),
    Mutant(
        "volterra/collocation/step.py",
        "return self.response * source + self.speed * delay",
        "return self.response * source",
        "tests/volterra/test_unseen.py::test_a_clock_that_has_a_kink_and_nothing_else",
    ),
    Mutant(
        "volterra/collocation/defect.py",
        "_FALL = 20.0",
        "_FALL = 1.5",
        "tests/volterra/test_collocation.py::test_what_a_step_and_its_halves_miss_alike_is_not_resolved",
    ),
    Mutant(
        "volterra/collocation/defect.py",
        "worst = np.maximum(fine[0::2], fine[1::2])",
        "worst = fine[0::2]",
        "tests/volterra/test_collocation.py::test_what_a_step_and_its_halves_miss_alike_is_not_resolved",
    ),
    Mutant(
        "volterra/collocation/mesh.py",
        "source = ROUNDING * size + cancelled + sample.clock_noise",
        "source = ROUNDING * size + sample.clock_noise",
        "tests/volterra/test_collocation.py::test_rounding_of_a_forcing_is_amplified_like_the_forcing",
    ),
    Mutant(
        "volterra/collocation/mesh.py",
        "driven = replace(sample, forcing=source, missed=float(sources[index]))",
        "driven = replace(sample, forcing=source)",
        "tests/volterra/test_unseen.py::test_the_error_is_sharp_and_honest_at_any_tolerance",
    ),
    Mutant(
        "volterra/collocation/method.py",
        "error = self.step_error[",
        "error = 0.1 * self.step_error[",
        "tests/volterra/test_collocation.py::test_the_error_is_the_difference_of_the_meshes",
    ),
    Mutant(
        "volterra/collocation/method.py",
        "error = error + np.abs(self.errors.interpolate(inside)[0])",
        "error = error + 0.1 * np.abs(self.errors.interpolate(inside)[0])",
        "tests/volterra/test_collocation.py::test_rounding_of_a_forcing_is_amplified_like_the_forcing",
    ),
    Mutant(
        "volterra/collocation/method.py",
        "y=np.abs(source.errors.y) + ROUNDING * np.abs(source.coarse.y)",
        "y=ROUNDING * np.abs(source.coarse.y)",
        "tests/volterra/test_collocation.py::test_rounding_of_a_forcing_is_amplified_like_the_forcing",
    ),
    # ----------------------------------------------------------------- panels
    Mutant(
        "volterra/panels/panel.py",
        "_LEVELS = 26",
        "_LEVELS = 13",
        "tests/volterra/test_solvers.py::test_honest_and_converged[1e-09-stiff function-panels]",
    ),
    Mutant(
        "volterra/panels/panel.py",
        "_GAUSS = 16",
        "_GAUSS = 8",
        "tests/volterra/test_panels.py::test_product_integration_is_exact_for_the_panel_polynomial",
    ),
    Mutant(
        "volterra/panels/equation.py",
        "LIMIT_BYTES = 4 * 2**30",
        "LIMIT_BYTES = 40 * 2**30",
        "tests/volterra/test_limits.py::test_a_system_that_would_not_fit_is_refused",
    ),
    Mutant(
        "volterra/panels/equation.py",
        " + 3 * answer)",
        ")",
        "tests/volterra/test_limits.py::test_an_answer_that_would_not_fit_is_refused",
    ),
    Mutant(
        "volterra/panels/equation.py",
        "            fresh = fresh + forcing_rounding(equation.forcing)\n",
        "",
        "tests/volterra/test_collocation.py::test_rounding_of_a_forcing_is_amplified_like_the_forcing",
    ),
    Mutant(
        "volterra/panels/equation.py",
        "if size <= 4 * EPS * scale or settled",
        "if size <= 1e-2 * scale or settled",
        "tests/volterra/test_solvers.py::test_honest_and_converged[1e-09-towards a blow-up-panels]",
    ),
    Mutant(
        "volterra/panels/history.py",
        "(self.end - edges[1:]) < np.diff(edges)",
        "(self.end - edges[1:]) < 0.1 * np.diff(edges)",
        "tests/volterra/test_panels.py::test_a_near_panel_is_cut_towards_its_viewer",
    ),
    Mutant(
        "volterra/panels/history.py",
        "np.flatnonzero(close | self._is_broken(edges, beyond))",
        "np.flatnonzero(close)",
        "tests/volterra/test_panels.py::test_a_far_panel_is_cut_where_the_kernel_jumps",
    ),
    Mutant(
        "volterra/panels/march.py",
        "    if tail_bytes(equation, 2 * panels) > _TAIL_BYTES:\n        return None\n",
        "",
        "tests/volterra/test_limits.py::test_a_tail_that_would_not_fit_is_not_made",
    ),
    Mutant(
        "volterra/panels/march.py",
        "return _Trial(first, second, max(seen, lost),",
        "return _Trial(first, second, seen,",
        "tests/volterra/test_unseen.py::test_a_pulse_on_nothing_at_all[panels]",
    ),
    Mutant(
        "volterra/panels/mesh.py",
        "place = np.where(index == 0, first.place(position), position)",
        "place = position",
        "tests/volterra/test_panels.py::test_a_singular_start_is_interpolated_in_its_own_variable",
    ),
    Mutant(
        "volterra/panels/method.py",
        "            error = error + np.abs(self.coarse.interpolate(inside)[:, :, r:])\n",
        "",
        "tests/volterra/test_collocation.py::test_rounding_of_a_forcing_is_amplified_like_the_forcing",
    ),
    Mutant(
        "volterra/panels/method.py",
        "error = self.panel_error[np.clip",
        "error = 0.1 * self.panel_error[np.clip",
        "tests/volterra/test_panels.py::test_the_error_is_the_difference_of_the_meshes",
    ),
    Mutant(
        "volterra/panels/method.py",
        "for half in (0, 1):",
        "for half in (0,):",
        "tests/volterra/test_panels.py::test_the_error_is_the_difference_of_the_meshes",
    ),
    Mutant(
        "volterra/panels/method.py",
        "return start > _MOST_PANELS or tail_bytes(equation, layout.tail) > LIMIT_BYTES",
        "return start > _MOST_PANELS",
        "tests/volterra/test_limits.py::test_a_mesh_that_would_not_fit_is_not_bisected",
    ),
    Mutant(
        "volterra/panels/tail.py",
        "_BYTES_PER_PANEL = 56",
        "_BYTES_PER_PANEL = 6",
        "tests/volterra/test_limits.py::test_a_tail_takes_no_more_memory_than_is_reckoned",
    ),
    Mutant(
        "volterra/panels/defect.py",
        "found = np.max(pairs, axis=1)",
        "found = np.min(pairs, axis=1)",
        "tests/volterra/test_panels.py::test_the_defect_of_a_panel_is_that_of_its_worse_half",
    ),
)
