"""The spectrum behind data: against populations that are known, with the errors that it reports."""

import numpy as np
import pytest

import hsgd


def risks(spectrum):
    """Where SGD ends on few rows and on many."""
    ends = (hsgd.limits(spectrum.sampled(n), hsgd.SGD(0.3), method="hsgd") for n in (100, 400))
    return np.array([float(end.limiting_population_risk) for end in ends])


@pytest.mark.parametrize(("d", "n", "decay"), [(120, 240, 1.2), (160, 80, 1.0), (60, 600, 1.5)])
def test_risks_of_the_estimate_are_those_of_the_population(d, n, decay):
    """Within the standard errors, over several samples; sample eigenvalues alone are far off."""
    truth = hsgd.Spectrum.power_law(d, decay, 1.6, noise=0.4)
    right, rows, scores, decays = risks(truth), truth.rows(), [], []
    for seed in range(4):
        data = rows.sample(n, seed)
        found = hsgd.spectrum_of(data.A, data.b)
        error = found.standard_error(risks)
        scores.append((risks(found.spectrum) - right) / error)
        decays.append((found.decay - decay) / found.decay_error)
        assert found.spectrum.dimension == d
    assert np.median(np.abs(scores)) < 1.5
    assert np.max(np.abs(scores)) < 8.0
    assert np.median(np.abs(decays)) < 2.5


def test_eigenvalues_are_corrected_for_the_number_of_rows():
    """All equal in the population; of a sample they are spread over a factor of thirty."""
    rows = hsgd.GaussianRows(np.full(100, 0.01), np.ones(100), 0.5)
    data = rows.sample(200, seed=3)
    found = hsgd.spectrum_of(data.A, data.b).spectrum
    sample = np.sort(data.eigenvalues / 200)
    corrected = np.sort(found.eigenvalues)
    assert sample[-5] / sample[5] > 15
    assert corrected[-5] / corrected[5] < 2.5
    assert found.eigenvalues.sum() == pytest.approx(1.0, rel=0.05)
    assert found.noise == pytest.approx(0.5, rel=0.15)
    assert found.target_power.sum() == pytest.approx(1.0, rel=0.3)


def test_without_targets_there_is_no_power():
    data = hsgd.Spectrum.power_law(40, 1.0, 1.0).rows().sample(80, seed=0)
    found = hsgd.spectrum_of(data.A)
    assert not found.spectrum.target_power.any()
    assert found.spectrum.noise == 0.0
    assert len(found.replicas) == 8


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (np.ones((3, 2)), None, {}, "four rows at least"),
        (np.zeros((9, 2)), None, {}, "not be zero everywhere"),
        (np.ones((9, 2)), np.ones(8), {}, "y has 8 entries"),
        (np.ones((9, 2)), None, {"groups": 10}, "groups is 10"),
    ],
)
def test_bad_data_are_refused_in_a_sentence(X, y, options, message):
    with pytest.raises(ValueError, match=message):
        hsgd.spectrum_of(X, y, **options)
