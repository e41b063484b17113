"""What is recorded before a change and compared after it (see `tests/tools/recorded.py`)."""

import ast
import importlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import hsgd
from tests.tools import recorded, theory_calls
from tests.tools.fingerprints import digest, fingerprint
from tests.tools.public_names import WITHOUT_ALL, public_names

TOOLS = Path(__file__).parent / "tools"
PACKAGES = ("hsgd", "simulate", "validation", "volterra")


def hashed(answer):
    return digest(fingerprint(answer))


def curve():
    problem = hsgd.LeastSquares(np.eye(8), np.arange(8.0))
    return hsgd.predict(problem, hsgd.SGD(0.1), [0.0, 1.0, 2.0])


# --- what counts ---


def test_one_last_digit_counts():
    theory = curve()
    moved = theory.copy(deep=True)
    moved.distance[1] = np.nextafter(moved.distance[1], np.inf)
    assert hashed(theory) == hashed(theory.copy(deep=True)) != hashed(moved)
    assert hashed([1.0, {"b": 0.1}]) != hashed([1.0, {"b": np.nextafter(0.1, 1.0)}])


def test_the_moment_and_the_release_do_not_count():
    theory = curve()
    later = theory.assign_attrs(created_at="later", history="later", hsgd_version="9")
    assert hashed(theory) == hashed(later)


@pytest.mark.parametrize(
    "change",
    {
        "name": lambda ds: ds.rename(distance="away"),
        "order": lambda ds: ds[list(ds.data_vars)[::-1]],
        "data type": lambda ds: ds.assign(distance=ds.distance.astype("f4")),
        "dimension": lambda ds: ds.rename_dims(time="when"),
        "units": lambda ds: ds.assign(distance=ds.distance.assign_attrs(units="m")),
        "attribute": lambda ds: ds.assign_attrs(status="other"),
        "coordinate": lambda ds: ds.reset_coords("epoch"),
        "sign of zero": lambda ds: ds.assign_coords(epoch=-ds.epoch),
    }.items(),
    ids=lambda change: change[0],
)
def test_all_else_counts(change):
    theory = curve()
    assert hashed(change[1](theory)) != hashed(theory)


@pytest.mark.parametrize("pair", [([], ()), (1, True), (1.0, 1), (np.zeros(2), np.zeros((1, 2)))])
def test_kinds_and_shapes_count_but_for_lists_and_tuples(pair):
    assert (hashed(pair[0]) == hashed(pair[1])) == isinstance(pair[0], list)


def test_what_has_no_fingerprint_is_refused():
    with pytest.raises(TypeError, match=r"\.name is a function"):
        fingerprint({"name": lambda: 0})


# --- what is said ---


def test_differences_are_named():
    names = {"hsgd.predict": "(problem)"}
    old = {"names": names, "calls": {"a": _call(x=1.0, y=2.0), "b": _call(x=1.0)}}
    new = {"names": {}, "calls": {"a": _call(x=1.0, y=2.5), "c": _call(x=1.0)}}
    assert recorded.differences(old, old) == []
    assert recorded.differences(old, new) == [
        "hsgd.predict: was (problem), is not there",
        "a: .y (of 3 parts)",
        "b: only before",
        "c: only after",
    ]


def _call(**answer):
    parts = fingerprint(answer)
    return {"hash": digest(parts), "parts": parts}


def test_a_call_is_recorded_alike_twice_and_with_its_warnings():
    call = theory_calls.epochs_to_tolerance
    assert recorded.record(call) == recorded.record(call)

    def warned():
        problem = hsgd.LeastSquares(np.eye(8), np.arange(8.0))
        return hsgd.predict(problem, hsgd.SGD(30.0), [0.0, 1.0])

    assert any(part.startswith(".warnings.0") for part in recorded.record(warned))


# --- what is called ---


def test_calls_use_public_names_only():
    """Else moving a module would break them."""
    for path in (*TOOLS.glob("*_calls.py"), TOOLS / "settings.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not any(one.name.startswith(f"{p}.") for one in node.names for p in PACKAGES)
            elif isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in PACKAGES:
                assert {one.name for one in node.names} <= {*_public(node.module)}, path


def _public(name):
    module = importlib.import_module(name)
    return WITHOUT_ALL.get(name) or module.__all__


def test_every_public_name_is_recorded_with_its_signature():
    found = public_names()
    assert all(f"{p}.{name}" in found for p in PACKAGES for name in _public(p))
    assert found["hsgd.SGD.batch_sizes"].startswith("(self, time: 'ArrayLike')")
    assert " at 0x" not in "".join(found.values())


def test_every_module_of_calls_is_recorded():
    homes = {name.partition(".")[0] for name in recorded.calls()}
    assert homes == {path.stem.removesuffix("_calls") for path in TOOLS.glob("*_calls.py")}
    assert isinstance(recorded.calls()["theory.limits"]()["streamed"], xr.Dataset)
