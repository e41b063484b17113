"""Small bugs in linear methods and averages: in the theory, the exact mean and the simulation."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_TESTS = "tests/hsgd/test_linear_methods.py"
_EXACT = f"{_TESTS}::test_streaming_is_exact_at_every_dimension"
_AVERAGE = f"{_TESTS}::test_the_exact_mean_of_an_average_is_that_of_all_moments"
_LIMITS = f"{_TESTS}::test_limits_of_averages_are_where_curves_end"
_HIGH = "tests/simulate/test_high_line.py::test_risk_and_learning_rate_are_predicted"
_BOOK = "tests/simulate/test_linear.py::test_steps_and_averages_are_those_of_the_textbook"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "hsgd/algorithms/linear_form.py",
        "gains[:, m] = share * (b @ self.readout)",
        "gains[:, m] = b @ self.readout",
        f"{_EXACT}[nesterov-5]",
    ),
    Mutant(
        "hsgd/algorithms/linear.py",
        "c = 1.0 / (iterations + 1.0)",
        "c = 1.0 / (iterations + 2.0)",
        f"{_EXACT}[schedule_free-5]",
    ),
    Mutant(
        "hsgd/algorithms/general_momentum.py",
        "-memory_rate * kept",
        "-memory_rate",
        f"{_EXACT}[dana-5]",
    ),
    Mutant(
        "hsgd/algorithms/averaging.py",
        "iterations - first + 1.0",
        "iterations - first + 2.0",
        _BOOK,
    ),
    Mutant(
        "hsgd/algorithms/averaging.py",
        "(iterations + self.power + 1.0)",
        "(iterations + self.power)",
        _BOOK,
    ),
    Mutant(
        "hsgd/exact/recursion.py",
        "self.covariance += share**2 * recursion.covariance",
        "self.covariance += share * recursion.covariance",
        _AVERAGE,
    ),
    Mutant(
        "hsgd/exact/recursion.py",
        "both = moved + moved.T",
        "both = moved",
        _AVERAGE,
    ),
    Mutant(
        "hsgd/theory/dynamics/stepping_kernel.py",
        "moments[p, i, j] = moments[i, p, j]",
        "moments[p, i, j] = moments[i, i, j]",
        f"{_EXACT}[nesterov-5]",
    ),
    Mutant(
        "hsgd/theory/stability/linear_steps.py",
        "fed_back[:, 0, 0]) + (1.0 - growth)",
        "fed_back[:, 0, 0])",
        f"{_TESTS}::test_matrices_have_the_limits_of_the_closed_forms",
    ),
    Mutant(
        "hsgd/theory/stability/linear_steps.py",
        "growth * (x * (2.0 - x) -",
        "growth * (1.0 - (1.0 - x) ** 2 -",
        f"{_TESTS}::test_small_steps_keep_their_digits",
    ),
    Mutant(
        "hsgd/theory/stability/linear_steps.py",
        "self.noise_factor * self.system.wick * self.system.eigenvalues**2",
        "0.0 * self.system.eigenvalues**2",
        _LIMITS,
    ),
    Mutant(
        "hsgd/algorithms/averaging.py",
        "(self.power + 1.0) ** 2 / (2.0 * self.power + 1.0)",
        "(self.power + 1.0) / (2.0 * self.power + 1.0)",
        f"{_TESTS}::test_means_of_many_iterates_lose_their_noise_like_one_over_their_number",
    ),
    Mutant(
        "hsgd/theory/stability/asymptotics.py",
        "(driven + self.stability.own_noise * seen)",
        "driven",
        f"{_TESTS}::test_means_of_many_iterates_lose_their_noise_like_one_over_their_number",
    ),
    Mutant(
        "simulate/rules/linear.py",
        "change += query[a] * (state[m + a, j] - state[a, j])",
        "change += query[a] * state[m + a, j]",
        _BOOK,
    ),
    Mutant(
        "simulate/rules/linear.py",
        "now = i if given.coefficients.shape[0] > 1 else 0",
        "now = 0",
        _BOOK,
    ),
    Mutant(
        "simulate/rules/linear.py",
        "point[kind * dimension + j] = value",
        "point[j] = value",
        _BOOK,
    ),
    Mutant(
        "hsgd/theory/dynamics/adaptive_kernel.py",
        "phi * (twice_loss / N * noise + modes.wick * own)",
        "phi * (twice_loss / N * noise)",
        f"{_HIGH}[line search-0.0]",
    ),
    Mutant(
        "hsgd/theory/dynamics/adaptive_kernel.py",
        "own += w * eigenvalues[j] / N * q / N",
        "own += w * eigenvalues[j] / N * q",
        f"{_HIGH}[line search-0.0]",
    ),
    Mutant(
        "hsgd/theory/dynamics/adaptive.py",
        "weights = system.damping / N if by_slope",
        "weights = np.ones(count) if by_slope",
        f"{_HIGH}[line search-0.0]",
    ),
    Mutant(
        "hsgd/theory/dynamics/adaptive_kernel.py",
        "square = error * error + variances[j]",
        "square = error * error",
        f"{_HIGH}[polyak-0.0]",
    ),
)
