"""Bugs of `simulate`: how runs are recorded, kept and stopped, what they take, what is told."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

TESTS = "tests/simulate/test_"
ENOUGH = f"{TESTS}replicates.py::test_auto_stops_at_the_first_look_that_is_sharp_enough"

MUTANTS: tuple[Mutant, ...] = (
    # Means, and how many runs they need.
    Mutant(
        "simulate/means.py",
        "np.sqrt(variance / count)",
        "np.sqrt(variance / values.shape[-1])",
        f"{TESTS}replicates.py::test_a_summary_counts_what_is_there_whatever_its_sign",
    ),
    Mutant(
        "simulate/means.py",
        "np.abs(present).max(",
        "present.max(",
        f"{TESTS}replicates.py::test_a_summary_counts_what_is_there_whatever_its_sign",
    ),
    Mutant(
        "simulate/means.py",
        "np.where(count > 1, count - 1, np.nan)",
        "np.where(count > 1, count, np.nan)",
        f"{TESTS}replicates.py::test_a_summary_counts_what_is_there_whatever_its_sign",
    ),
    Mutant(
        "simulate/commands.py",
        "values.std(ddof=1)",
        "values.std()",
        f"{TESTS}by_name.py::test_the_error_printed_is_that_of_the_mean",
    ),
    Mutant(
        "hsgd/command_line/algorithms.py",
        '{"batch_size": sgd.batch_size, "sampling": sgd.sampling}',
        '{"batch_size": sgd.batch_size}',
        f"{TESTS}by_name.py::test_a_name_is_the_noun[adagrad-norm:2]",
    ),
    Mutant(
        "simulate/run/stopping.py",
        "isf(share / 2, count - 1)",
        "isf(share, count - 1)",
        f"{TESTS}replicates.py::test_a_look_has_half_the_share_of_the_one_before",
    ),
    Mutant("simulate/run/stopping.py", "0.5 + CONFIDENCE / 2", "CONFIDENCE", ENOUGH),
    Mutant(
        "simulate/run/stopping.py", "max(worst, float(ratios.max()))", "float(ratios.max())", ENOUGH
    ),
    Mutant(
        "simulate/run/stopping.py",
        "run(first_replicate + count, more)",
        "run(first_replicate, more)",
        ENOUGH,
    ),
    Mutant(
        "simulate/run/spreading.py",
        "min(start + size, end)",
        "start + size",
        f"{TESTS}replicates.py::test_a_cluster_gives_the_same_runs",
    ),
    Mutant(
        "simulate/runs.py",
        '"seed": parts.seed.sequence',
        '"seed": seed',
        f"{TESTS}replicates.py::test_a_cluster_gives_the_same_runs",
    ),
    # What becomes of runs.
    Mutant(
        "simulate/recording.py",
        "np.isfinite(values)",
        "~np.isinf(values)",
        f"{TESTS}runs.py::test_what_is_no_number_is_recorded_as_infinite",
    ),
    Mutant(
        "simulate/recording.py",
        "self.diverged | np.isinf(self.values).any(axis=(0, 1))",
        "self.diverged",
        f"{TESTS}sign.py::test_a_run_that_diverges_says_so[reference]",
    ),
    Mutant(
        "simulate/recording.py",
        "BLOCK_BYTES // (8 * dimension)",
        "BLOCK_BYTES // dimension",
        f"{TESTS}run_memory.py::test_a_block_of_records_fits_into_a_cache_of_a_mebibyte",
    ),
    Mutant(
        "simulate/run/execution.py",
        "GROWN = 1e3",
        "GROWN = 1e4",
        f"{TESTS}runs.py::test_growth_is_called_unstable_from_a_thousand_times_on",
    ),
    Mutant(
        "simulate/run/execution.py",
        "            finally:\n                store.close()",
        "            else:\n                store.close()",
        f"{TESTS}checkpoint.py::test_an_interrupt_keeps_all_that_was_done",
    ),
    Mutant(
        "simulate/engines/driver.py",
        "            if now.filled:\n                record(now.filled)\n            store.offer",
        "            store.offer",
        f"{TESTS}checkpoint.py::test_an_interrupt_keeps_all_that_was_done",
    ),
    Mutant(
        "simulate/engines/driver.py",
        "course.num_iterations - now.done + progress",
        "course.num_iterations - now.done",
        f"{TESTS}checkpoint.py::test_progress_adds_up_however_replicates_end",
    ),
    Mutant(
        "simulate/engines/driver.py",
        "    report(now.done)\n",
        "",
        f"{TESTS}checkpoint.py::test_progress_adds_up_however_replicates_end",
    ),
    Mutant(
        "simulate/threads.py",
        "pool.shutdown(cancel_futures=True)",
        "pool.shutdown()",
        f"{TESTS}engines.py::test_after_an_error_what_waits_is_not_begun",
    ),
    Mutant(
        "simulate/numba_policy.py",
        'parent.rglob("*.py")',
        'parent.glob("*.py")',
        f"{TESTS}engines.py::test_a_change_in_any_source_is_another_digest",
    ),
    # Memory.
    Mutant(
        "simulate/run/execution.py",
        "sum(map(num_values, chosen))",
        "len(chosen)",
        f"{TESTS}run_memory.py::test_a_coordinate_is_as_large_as_a_statistic",
    ),
    Mutant(
        "simulate/run/memory.py",
        "(num_records + num_times)",
        "num_records",
        f"{TESTS}runs.py::test_a_run_that_cannot_fit_is_refused_with_the_figure",
    ),
    Mutant(
        "simulate/run/memory.py",
        "num_threads * 8 * numbers",
        "8 * numbers",
        f"{TESTS}run_memory.py::test_every_thread_has_rows_of_its_own",
    ),
    Mutant(
        "simulate/rows/data.py",
        "2 * block_size * n + 3 * n",
        "3 * n",
        f"{TESTS}run_memory.py::test_residuals_of_a_block_of_records",
    ),
    Mutant(
        "simulate/rows/gaussian.py",
        "largest_batch * dimension + NOISE_BLOCK",
        "dimension + NOISE_BLOCK",
        f"{TESTS}run_memory.py::test_the_rows_of_a_large_batch",
    ),
    Mutant(
        "simulate/rows/features.py",
        "return dimension * self.num_normals",
        "return 0",
        f"{TESTS}run_memory.py::test_weights_of_features_are_copied",
    ),
    Mutant(
        "simulate/engines/cpu/layout.py",
        "return 0 if A.dtype == dtype else int(A.nnz * dtype.itemsize)",
        "return 0",
        f"{TESTS}run_memory.py::test_entries_of_sparse_rows_are_copied_in_single_precision",
    ),
    # Checkpoints.
    Mutant(
        "simulate/checkpoint.py",
        "seconds: float = 60.0",
        "seconds: float = 600.0",
        f"{TESTS}checkpoint.py::test_saves_are_a_minute_apart",
    ),
    Mutant(
        "simulate/checkpoint.py",
        "        self._saved[index] = clock\n",
        "",
        f"{TESTS}checkpoint.py::test_saves_are_a_minute_apart",
    ),
    Mutant(
        "simulate/checkpoint.py",
        "        self._flushed = time.monotonic()\n        if not self._unwritten:",
        "        if not self._unwritten:",
        f"{TESTS}checkpoint.py::test_saves_are_a_minute_apart",
    ),
    Mutant(
        "simulate/checkpoint.py",
        "        claims.check_hash(path, found, self._hash, _PARTS)\n",
        "",
        f"{TESTS}checkpoint.py::test_a_part_of_another_run_is_refused",
    ),
    Mutant(
        "simulate/checkpoint.py",
        'if sorted(content.pop("names").tolist()) != sorted(content):',
        'if not content.pop("names").tolist():',
        f"{TESTS}checkpoint.py::test_an_array_under_another_name_is_damage",
    ),
    Mutant(
        "simulate/checkpoint.py",
        "if name != path.name:",
        "if not name:",
        f"{TESTS}checkpoint.py::test_the_file_of_another_replicate_is_refused[finished]",
    ),
    Mutant(
        "simulate/run/configuration.py",
        '        "hsgd_version": provenance.version(),\n',
        "",
        f"{TESTS}checkpoint.py::test_a_checkpoint_of_another_version_is_refused",
    ),
    Mutant(
        "simulate/engines/base.py",
        "self.rates.kept, *(factor.kept for factor in of_rule)",
        "self.rates.kept",
        f"{TESTS}rules.py::test_a_checkpoint_knows_the_factors_of_the_memory",
    ),
)
