"""Small bugs in the spread of single runs."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_TESTS = "tests/hsgd/test_spread.py"
_STREAMING = "hsgd/theory/spread/streaming.py"
_BAND = "hsgd/theory/spread/band.py"
_EXACT = f"{_TESTS}::test_it_is_the_exact_variance_to_some_percent"
_RUNS = f"{_TESTS}::test_runs_spread_as_predicted"
_NAMED = f"{_TESTS}::test_bands_are_named_linked_and_of_the_level_asked_for"
_REFUSED = f"{_TESTS}::test_what_has_no_band_is_refused"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(_STREAMING, "P * D + 2 * C**2", "P * D", _EXACT),
    Mutant(_STREAMING, "3 * tau * P * C + 6 * e * C", "3 * tau * P * C", _EXACT),
    Mutant(_STREAMING, "(tau**2 + 2 * k2)", "tau**2", _EXACT),
    Mutant(_STREAMING, "v = v * (1.0 + np.interp(s, *relative))", "pass", _EXACT),
    Mutant(_STREAMING, "(P * tau + 2 * e) - 2 * g * C", "(P * tau + 2 * e)", _EXACT),
    Mutant(_STREAMING, "w = q * (1.0 - g * lam * (B - 1.0) / B)", "w = q", f"{_RUNS}[16-0.0]"),
    Mutant(
        _STREAMING,
        "m = k * (1.0 - z) - 0.5",
        "m = k * (1.0 - z) - 1.0",
        f"{_TESTS}::test_long_sums_are_what_single_terms_add_up_to",
    ),
    Mutant(
        _STREAMING,
        "nodes.target - 2.0 * nodes.mixed",
        "nodes.target",
        f"{_TESTS}::test_a_start_elsewhere",
    ),
    Mutant(_BAND, "least + low", "low", _NAMED),
    Mutant(_BAND, "0.5 + 0.5 * level", "level", f"{_RUNS}[1-0.5]"),
    Mutant(
        _BAND,
        "if _setting(question).factors.max(initial=0.0) > 1.0 + 1e-12:",
        "if False:",
        _REFUSED,
    ),
    Mutant(
        _BAND, "problem.ridge or not question.is_constant", "not question.is_constant", _REFUSED
    ),
)
