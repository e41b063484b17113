"""What does not belong together is refused, and the sentence names what differs."""

import numpy as np
import pytest

import hsgd
import simulate
from tests.validation import curves
from validation import compare


def shifted(dataset, name, by=0.25):
    moved = dataset[name].values.copy()
    moved[3] += np.asarray(by, moved.dtype) if moved.dtype.kind == "f" else 1
    return dataset.assign_coords({name: ("time", moved)})


@pytest.mark.parametrize(
    ("theory", "runs", "words"),
    [
        (curves.theory(), 3.0, "runs cannot be compared: this is a float"),
        (curves.runs(), curves.theory(), "theory has the source 'simulation'"),
        (curves.theory().drop_attrs(), curves.runs(), "not made by hsgd"),
        (curves.theory(), curves.runs().isel(time=slice(5)), "9 times but runs have 5"),
        (curves.theory(), shifted(curves.runs(), "time"), "time number 3 is"),
        (curves.theory(), shifted(curves.runs(), "time", 1e-12), "time number 3 is"),
        (curves.theory(), shifted(curves.runs(), "learning_rate", 1e-12), "learning rate at time"),
        (curves.theory(), shifted(curves.runs(), "iteration"), "iteration number 3 is"),
        (curves.theory(), shifted(curves.runs(), "learning_rate"), "learning rate at time 1.5"),
        (curves.theory().isel(time=0), curves.runs(), "theory has no dimension time"),
        (curves.theory().expand_dims(n=2), curves.runs(), "dimension n, but runs has not"),
        (curves.theory()[["empirical_risk"]], curves.runs()[["population_risk"]], "must share"),
    ],
)
def test_what_cannot_be_compared_is_refused(theory, runs, words):
    with pytest.raises(ValueError, match=words) as caught:
        compare(theory, runs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ridge": 0.2}, "ridge is 0.1 in theory but 0.2"),
        ({"A": 2 * curves.ROWS}, "the data A are not the same"),
        ({"b": curves.ROWS[:, 0]}, "the targets b are not the same"),
        ({"x0": np.ones(5)}, "the start x0 is not the same"),
        ({"population": (curves.ROWS[:3], curves.ROWS[:3, 0])}, "the population is not the same"),
    ],
)
def test_another_problem_is_named(change, words):
    other = curves.runs(problem=curves.PROBLEM.replace(**change))
    for same_algorithm in (True, False):
        with pytest.raises(ValueError, match=words):
            compare(curves.theory(), other, same_algorithm=same_algorithm)


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (hsgd.SGD(0.2), "learning_rate"),
        (hsgd.SGD(0.1, batch_size=2), "batch_size is 1 in theory but 2"),
        (hsgd.SGD(0.1, sampling="reshuffle"), "sampling is with_replacement in theory"),
    ],
)
def test_another_algorithm_is_named_and_may_be_compared_on_request(algorithm, words):
    other = curves.runs(algorithm=algorithm)
    with pytest.raises(ValueError, match=f"{words}.*same_algorithm=False"):
        compare(curves.theory(), other, discrepancy=0.0)
    assert compare(curves.theory(), other, discrepancy=0.0, same_algorithm=False).attrs["agrees"]


def test_the_record_of_the_preparation_does_not_matter():
    other = curves.runs(problem=curves.PROBLEM.replace(preparation={"centred": True}))
    assert compare(curves.theory(), other, discrepancy=0.0).attrs["agrees"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"false_alarm": 0.0}, "false_alarm"),
        ({"false_alarm": 0.51}, "must lie between 0.001 and 0.5"),
        ({"false_alarm": 0.0009}, "must lie between 0.001 and 0.5"),
        ({"discrepancy": -0.1}, "discrepancy is -0.1"),
        ({"statistics": "distance"}, "both must have 'distance'"),
        ({"statistics": ()}, "at least one"),
        ({}, "theory does not say how large its finite-n error is"),
    ],
)
def test_bad_options_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        compare(curves.theory(), curves.runs(), **arguments)


def test_too_few_replicates_are_refused():
    with pytest.raises(ValueError, match="7 replicates, too few for"):
        compare(curves.theory(), curves.runs(7), discrepancy=0.0)
    compare(curves.theory(), curves.runs(8), discrepancy=0.0)


def test_random_features_are_not_compared_with_their_gaussian_equivalent():
    inputs = hsgd.GaussianRows(np.ones(8), np.ones(8))
    rows, sgd = hsgd.RandomFeatures(inputs, 6, "relu").given_weights(seed=0), hsgd.StreamingSGD(0.1)
    theory = hsgd.predict(rows.gaussian_equivalent(), sgd, [0.0, 1.0], method="discrete")
    runs = simulate.sgd(rows, sgd, [0.0, 1.0], num_replicates=8, seed=0, engine="reference")
    with pytest.raises(ValueError, match=r"look at runs.population_risk.mean"):
        compare(theory, runs)
