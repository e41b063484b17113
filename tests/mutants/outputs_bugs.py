"""Small bugs in what makes several outputs of one problem."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_TESTS = "tests/hsgd/test_outputs.py"
_EACH = f"{_TESTS}::test_each_output_is_the_problem_of_its_own_column"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "hsgd/dataset/schema.py",
        "said[:-1] if said[-1] == MORE else said",
        "said",
        "tests/hsgd/test_sweeping.py::test_many_members_of_a_piece_are_written_and_read",
    ),
    Mutant(
        "hsgd/problems/outputs.py",
        "index = self.outputs.index(name)",
        "index = 0",
        _EACH,
    ),
    Mutant(
        "hsgd/problems/least_squares.py",
        "            x0=of_parameters(self.x0, index),\n            population",
        "            x0=of_parameters(self.x0, 0),\n            population",
        _EACH,
    ),
    Mutant(
        "hsgd/problems/populations.py",
        "return HeldOut(self.A, of_parameters(self.b, index))",
        "return HeldOut(self.A, of_parameters(self.b, 0))",
        _EACH,
    ),
    Mutant(
        "hsgd/problems/gaussian_rows.py",
        "noise_stream=self.noise_stream + index,",
        "noise_stream=self.noise_stream,",
        f"{_TESTS}::test_label_noise_of_fresh_rows_is_independent_between_outputs",
    ),
    Mutant(
        "simulate/engines/reference.py",
        "normals(self._key, purpose, block",
        "normals(self._key, purpose % 16, block",
        f"{_TESTS}::test_label_noise_of_fresh_rows_is_independent_between_outputs",
    ),
    Mutant(
        "simulate/engines/cuda/streaming.py",
        "block_words(key, purpose, block",
        "block_words(key, purpose % 16, block",
        "tests/simulate/test_cuda.py::test_the_simulated_engine_agrees_with_the_reference",
    ),
    Mutant(
        "simulate/engines/cpu/kernels/streaming.py",
        "fill_normals(source.key, purpose, block",
        "fill_normals(source.key, purpose % 16, block",
        f"{_TESTS}::test_label_noise_of_fresh_rows_is_independent_between_outputs",
    ),
    Mutant(
        "hsgd/problems/gaussian_rows.py",
        "noise=float(column(self.noise, index)),",
        "noise=float(column(self.noise, 0)),",
        f"{_TESTS}::test_fresh_and_typical_rows_with_several_outputs",
    ),
    Mutant(
        "hsgd/problems/preparing.py",
        "coefficients.T if several else coefficients, intercept)",
        "coefficients, intercept)",
        f"{_TESTS}::test_a_table_with_several_targets_and_its_way_back",
    ),
    Mutant(
        "hsgd/dataset/outputs.py",
        'shares = (data[name] * data[gap]).sum("output") / found[name]',
        'shares = data[gap].mean("output")',
        f"{_TESTS}::test_sums_over_outputs",
    ),
    Mutant(
        "hsgd/dataset/outputs.py",
        'return status.max("output", keep_attrs=True)',
        'return status.min("output", keep_attrs=True)',
        f"{_TESTS}::test_sums_over_outputs",
    ),
    Mutant(
        "hsgd/statistics/classification.py",
        "scores = runs.prediction + offset",
        "scores = runs.prediction",
        f"{_TESTS}::test_classes_are_outputs_and_their_error_is_scikit_learns",
    ),
    Mutant(
        "hsgd/statistics/classification.py",
        'error = wrong.mean("row").where(np.isfinite(scores).all(("output", "row")))',
        'error = wrong.mean("row")',
        f"{_TESTS}::test_classes_are_outputs_and_their_error_is_scikit_learns",
    ),
    Mutant(
        "hsgd/sweeps/broadcasting.py",
        'if algorithm.is_adaptive and "output" in self.parameters:',
        "if False:",
        f"{_TESTS}::test_bad_input_gets_one_sentence",
    ),
)
