"""Bugs of `simulate`: what is drawn, what a row is, what a step does."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

TESTS = "tests/simulate/test_"
TEXTBOOK = f"{TESTS}algorithms.py::test_engines_take_the_steps_of_the_textbook"
STREAMED = f"{TESTS}algorithms.py::test_streaming_takes_the_steps_of_the_textbook"
RULES = f"{TESTS}rules.py::test_rules_on_data_take_the_steps_of_the_textbook"
RULES_STREAMED = f"{TESTS}rules.py::test_rules_on_fresh_rows_take_the_steps_of_the_textbook"
FEATURES = f"{TESTS}features.py::test_engines_take_the_steps_of_the_textbook"
STEPS = f"{TESTS}diffusion.py::test_no_mode_relaxes_by_more_than_a_tenth_in_a_step"
SIMULATED = f"{TESTS}cuda.py::test_the_simulated_engine_agrees_with_the_reference"

DRAWN: tuple[Mutant, ...] = (
    # Random numbers.
    Mutant(
        "simulate/checkpoint.py",
        "with _PARSING, np.load(",
        "with np.load(",
        f"{TESTS}checkpoint.py::test_files_are_parsed_one_at_a_time",
    ),
    Mutant(
        "simulate/randomness/philox.py",
        "((word >> WORD) * bound + (((word & MASK) * bound) >> WORD)) >> WORD",
        "((word >> WORD) * bound) >> WORD",
        f"{TESTS}philox.py::test_bounded_is_the_high_part_of_the_exact_product",
    ),
    Mutant(
        "simulate/randomness/philox.py",
        "np.uint64(index >> 32)",
        "np.uint64(0)",
        f"{TESTS}philox.py::test_layout_of_counter_and_words",
    ),
    Mutant(
        "simulate/randomness/seeds.py",
        "Seed(low | high << 32,",
        "Seed(low,",
        f"{TESTS}philox.py::test_every_bit_of_a_key_depends_on_the_seed",
    ),
    Mutant(
        "simulate/randomness/normals.py",
        "BROWNIAN = 4, 5, 6",
        "BROWNIAN = 4, 5, 5",
        f"{TESTS}normals.py::test_no_two_purposes_share_their_numbers",
    ),
    Mutant(
        "simulate/randomness/normals.py",
        "0.2961942103573186",
        "0.2961942103573186 / 2",
        f"{TESTS}normals.py::test_radius_is_the_formula_to_a_few_ulp",
    ),
    Mutant(
        "simulate/randomness/sampling.py",
        "INDEPENDENT_BLOCK = 512",
        "INDEPENDENT_BLOCK = 1024",
        f"{TESTS}sampling.py::test_the_stream_of_rows_is_for_ever",
    ),
    Mutant(
        "simulate/engines/cpu/lanes.py",
        "if left > 2:",
        "if left > 3:",
        f"{TESTS}normals.py::test_compiled_normals_are_the_plain_ones",
    ),
    Mutant(
        "simulate/engines/cpu/kernels/order.py",
        "divmod(position + filled, length)",
        "divmod(position, length)",
        f"{TESTS}sampling.py::test_batches_read_on_across_the_end_of_an_epoch[cpu]",
    ),
    # Rows.
    Mutant(
        "simulate/rows/base.py",
        "NOISE_BLOCK = 512",
        "NOISE_BLOCK = 1024",
        f"{TESTS}algorithms.py::test_label_noise_goes_on_behind_its_first_block",
    ),
    Mutant(
        "simulate/rows/gaussian.py",
        "np.sqrt(len(root)) * vectors * root",
        "vectors * root",
        f"{TESTS}sign.py::test_on_fresh_rows_it_takes_the_steps_of_the_textbook"
        "[single-dense-reference]",
    ),
    Mutant(
        "simulate/engines/cpu/kernels/streaming.py",
        "if source.held[0] != block:",
        "if source.held[0] < 0:",
        f"{TESTS}algorithms.py::test_label_noise_goes_on_behind_its_first_block",
    ),
    Mutant(
        "simulate/engines/cpu/kernels/features.py",
        "block * FEATURE_BLOCK + place",
        "block + place",
        f"{FEATURES}[inputs0-relu-cpu]",
    ),
)

STEPPED: tuple[Mutant, ...] = (
    Mutant(
        "simulate/formulas/schedules.py",
        "np.arange(first, last) / self._per_unit))",
        "np.arange(first + 1, last + 1) / self._per_unit))",
        f"{TEXTBOOK}[sgd-with_replacement-one-dense-reference]",
    ),
    Mutant(
        "simulate/formulas/update.py",
        "SMALLEST_FACTOR = 2.0**-60",
        "SMALLEST_FACTOR = 2.0**-1060",
        f"{TESTS}algorithms.py::test_a_strong_ridge_does_not_lose_a_sparse_problem",
    ),
    Mutant(
        "simulate/run/planning.py",
        "problem.ridge if fresh else problem.ridge / per_unit",
        "problem.ridge",
        f"{TEXTBOOK}[sgd-with_replacement-one-dense-reference]",
    ),
    Mutant(
        "simulate/run/planning.py",
        "num_iterations * largest > 2**62",
        "num_iterations > 2**62",
        f"{TESTS}runs.py::test_bad_input_is_refused_in_one_sentence",
    ),
    Mutant(
        "simulate/engines/reference.py",
        "position = plan.batches.rows_before(first)",
        "position = first",
        f"{TESTS}engines.py::test_the_bits_of_the_reference_do_not_depend_on_chunks",
    ),
    Mutant(
        "simulate/engines/cpu/kernels/dense.py",
        "part += some[j] * others[j]\n        total += part",
        "part += some[j] * others[j]\n        total = part",
        f"{TESTS}engines.py::test_long_rows_are_summed_to_their_end[3]",
    ),
    Mutant(
        "simulate/engines/cpu/kernels/dense.py",
        "            part += value * needed[j]\n        total += part",
        "            part += value * needed[j]\n        total = part",
        f"{TESTS}engines.py::test_long_rows_are_summed_to_their_end[1]",
    ),
    Mutant(
        "simulate/engines/cpu/kernels/with_rule.py",
        "        position += sizes[i]\n",
        "        position += 1\n",
        f"{RULES_STREAMED}[adagrad, scheduled-isotropic-cpu]",
    ),
    Mutant(
        "simulate/engines/cpu/with_rule.py",
        "plan.batches.rows_before(first)",
        "first",
        f"{TESTS}rules.py::test_bits_depend_neither_on_threads_nor_on_batches[adagrad on data]",
    ),
    Mutant(
        "simulate/engines/cpu/engine.py",
        "plan.batches.largest * (per_row + 100.0)",
        "per_row + 100.0",
        f"{TESTS}engines.py::test_looks_at_the_clock_follow_the_work",
    ),
    # Rules.
    Mutant(
        "simulate/rules/adagrad_norm.py",
        "gradient = with_ridge(pull[j], x[j], given.ridge)",
        "gradient = pull[j]",
        f"{RULES}[adagrad-dense-cpu]",
    ),
    Mutant(
        "simulate/rules/general_momentum.py",
        "1.0 - min(forgetting, 1.0)",
        "1.0 - forgetting",
        f"{RULES}[momentum-dense-reference]",
    ),
    Mutant(
        "simulate/rules/greedy.py",
        "bend + noise / batch_size",
        "(bend + noise) / batch_size",
        f"{RULES_STREAMED}[polyak-isotropic-reference]",
    ),
    Mutant(
        "simulate/rules/sign.py",
        "0.0 * value",
        "0.0",
        f"{TESTS}sign.py::test_what_is_no_number_has_no_sign",
    ),
    # The GPU's kernels, simulated.
    Mutant(
        "simulate/engines/cuda/order.py",
        "PURPOSES[SUBSET], first + i, c,",
        "PURPOSES[SUBSET], i, c,",
        SIMULATED,
    ),
    Mutant(
        "simulate/engines/cuda/dense.py",
        "decay, scales[m])\n                decay = 1.0",
        "decay, scales[m])",
        SIMULATED,
    ),
    Mutant("simulate/engines/cuda/streaming.py", "offset % 4 >= 2", "offset % 4 > 2", SIMULATED),
)

DIFFUSED: tuple[Mutant, ...] = (
    Mutant(
        "simulate/paths.py",
        "for t in (edges[:-1], middles, ends)",
        "for t in (middles, ends)",
        STEPS,
    ),
    Mutant(
        "simulate/paths.py",
        "jumps += algorithm.batch_size.breakpoints",
        "jumps += ()",
        f"{TESTS}diffusion.py::test_steps_end_where_the_rate_or_the_batch_jumps",
    ),
    Mutant(
        "simulate/paths.py",
        "values + problem.ridge",
        "values",
        f"{TESTS}diffusion.py::test_a_ridge_on_fresh_rows_moves_the_end_and_speeds_it_up",
    ),
    Mutant(
        "simulate/paths.py",
        "np.append(r, problem.ridge)",
        "np.append(r, 0.0)",
        f"{TESTS}diffusion.py::test_deterministic_without_a_rate_and_exact_without_noise",
    ),
    Mutant(
        "simulate/engines/cpu/kernels/sde.py",
        "0.5 * (ahead + noise * 0.5 * now * spread)",
        "0.5 * ahead",
        f"{TESTS}diffusion.py::test_the_mean_is_second_order_in_the_step",
    ),
    Mutant(
        "simulate/engines/cpu/sde.py",
        "key = course.keys[index]",
        "key = course.keys[0]",
        f"{TESTS}diffusion.py::test_paths_are_reproducible_and_labelled",
    ),
)

MUTANTS: tuple[Mutant, ...] = DRAWN + STEPPED + DIFFUSED
