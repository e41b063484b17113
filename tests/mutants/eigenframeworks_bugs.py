"""Small bugs in what ridge regression ends up at."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_TESTS = "tests/hsgd/test_eigenframeworks.py"
_DRAWS = f"{_TESTS}::test_risks_are_those_of_draws"
_BRIDGE = f"{_TESTS}::test_the_bridge_meets_the_theory_of_sgd"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "hsgd/eigenframeworks/ridge.py",
        "unlearned, taken = (1.0 - learned) ** 2, q / n",
        "unlearned, taken = (1.0 - learned), q / n",
        _DRAWS,
    ),
    Mutant(
        "hsgd/eigenframeworks/ridge.py",
        "part = (k - z) / (k - q) * learned",
        "part = (k - z) / k * learned",
        f"{_TESTS}::test_a_mode_that_features_learn_in_part",
    ),
    Mutant(
        "hsgd/eigenframeworks/ridge.py",
        "(q * (k - 2 * z) + z**2)",
        "(q * (k - z) + z**2)",
        _DRAWS,
    ),
    Mutant(
        "hsgd/eigenframeworks/ridge.py",
        "return left**2 * population if left > 0.0 else 0.0",
        "return left * population if left > 0.0 else 0.0",
        _DRAWS,
    ),
    Mutant(
        "hsgd/eigenframeworks/effective.py",
        "return (n - learned) * (k - learned) * inner / (k * ridge) - 1.0",
        "return (n - learned) * inner / ridge - 1.0",
        _DRAWS,
    ),
    Mutant(
        "hsgd/eigenframeworks/effective.py",
        "return scale * (n - found.learned), found",
        "return scale * n, found",
        f"{_TESTS}::test_the_overfitting_coefficient_of_a_power_law_is_its_exponent",
    ),
    Mutant(
        "hsgd/eigenframeworks/bridge.py",
        "trace - delta / count * found.learned, trace",
        "trace, trace",
        _BRIDGE,
    ),
    Mutant(
        "hsgd/eigenframeworks/bridge.py",
        "trace - (count * found.scale - delta)",
        "trace - count * found.scale",
        _BRIDGE,
    ),
    Mutant(
        "hsgd/eigenframeworks/bridge.py",
        "empirical = training_risk(count, found, risk) / (1.0 - norm)",
        "empirical = training_risk(count, found, risk)",
        _BRIDGE,
    ),
    Mutant(
        "hsgd/eigenframeworks/interpolation.py",
        "elif exponent < _FADES:",
        "elif False:",
        f"{_TESTS}::test_verdicts_on_interpolation",
    ),
    Mutant(
        "hsgd/eigenframeworks/interpolation.py",
        "if n > _SHARE * count:",
        "if False:",
        f"{_TESTS}::test_verdicts_on_interpolation",
    ),
)
