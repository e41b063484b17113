"""Small bugs in kernels."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_TESTS = "tests/hsgd/test_kernels.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "hsgd/kernels/modes.py",
        "widths = np.sqrt(1.0 / (4.0 * root))",
        "widths = np.sqrt(1.0 / (2.0 * root))",
        f"{_TESTS}::test_gaussian_modes_are_mercers",
    ),
    Mutant(
        "hsgd/kernels/modes.py",
        "found[:, order] = exponents",
        "found[:] = exponents",
        f"{_TESTS}::test_the_largest_products_are_found_in_order",
    ),
    Mutant(
        "hsgd/kernels/enumeration.py",
        "last_of_its_kind = place + 1 == len(indices) or indices[place + 1] > index",
        "last_of_its_kind = place + 1 == len(indices)",
        f"{_TESTS}::test_the_largest_products_are_found_in_order",
    ),
    Mutant(
        "hsgd/kernels/target.py",
        "np.maximum(squares - left / m, 0.0)",
        "np.maximum(squares[::-1] - left / m, 0.0)",
        f"{_TESTS}::test_a_learning_curve_of_digits_from_their_covariance_and_a_sample",
    ),
    Mutant(
        "hsgd/kernels/gram.py",
        "read_only(cross @ left / roots)",
        "read_only(cross @ left)",
        f"{_TESTS}::test_a_gram_matrix_is_as_good_as_its_features",
    ),
    Mutant(
        "hsgd/kernels/wide.py",
        "gradients = between + 0.5 * weight * zero * gradients",
        "gradients = between + weight * zero * gradients",
        f"{_TESTS}::test_arc_cosine_kernels_are_those_of_wide_networks",
    ),
    Mutant(
        "hsgd/kernels/wide.py",
        "own = [0.5 * weight * values + bias for values in own]",
        "own = [0.5 * weight * values for values in own]",
        f"{_TESTS}::test_arc_cosine_kernels_are_those_of_wide_networks",
    ),
    Mutant(
        "hsgd/kernels/duals.py",
        "total = total + roots[k] * now",
        "total = total + squares[k] * now",
        f"{_TESTS}::test_the_kernel_of_an_activation_and_back",
    ),
    Mutant(
        "hsgd/networks/two_layer.py",
        "found += ((s * self.last) @ (t * self.last).T) * (x @ y.T / x.shape[1])",
        "found += (s @ t.T) * (x @ y.T / x.shape[1])",
        "tests/hsgd/test_networks.py::test_the_gram_matrix_is_that_of_the_gradients",
    ),
    Mutant(
        "hsgd/networks/linear.py",
        "symmetric, targets - _outputs(network, inputs), ridge=ridge",
        "symmetric, targets, ridge=ridge",
        "tests/hsgd/test_networks.py"
        "::test_the_gap_to_the_network_itself_falls_like_one_over_the_root_of_its_width",
    ),
)
