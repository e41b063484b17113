"""`hsgd.sweep`: the same bits on any cluster, and whatever happened on the way; nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import xarray as xr

import hsgd
import simulate
from hsgd import dataset
from hsgd.dataset import atomic, provenance
from hsgd.dataset.fingerprints import fingerprint
from hsgd.machine import clusters
from hsgd.sweeps import sweeping
from hsgd.sweeps.broadcasting import Sweep
from tests.hsgd.test_prediction import problem_of
from tests.hsgd.test_streaming import population

RATES = xr.DataArray([0.1, 0.4, 0.6], dims="rate", coords={"rate": ["slow", "middle", "fast"]})
RIDGES = xr.DataArray([0.0, 0.3], dims="ridge", coords={"ridge": [0.0, 0.3]})
TIME = np.linspace(0, 4, 9)

pytestmark = pytest.mark.filterwarnings("ignore:.*warnings? in .* members of the sweep")


def limits_of(rates=RATES, **options):
    """A sweep of milliseconds."""
    found = hsgd.sweep(
        hsgd.limits, population(4), hsgd.StreamingSGD(rates), **({"client": False} | options)
    )
    return found.drop_attrs()


@pytest.fixture(scope="module")
def client():
    """Two worker processes, of one thread each."""
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


SWEPT = problem_of(n=40, d=9, ridge=0.1).replace(ridge=RIDGES)
CALLS = {
    "predict": (hsgd.predict, SWEPT, hsgd.SGD(RATES), TIME),
    "predict with a function": (hsgd.predict, SWEPT, hsgd.SGD(lambda t: 0.4 / (1 + t)), TIME),
    "limits": (hsgd.limits, population(6), hsgd.StreamingSGD(RATES)),
    "diagnose": (hsgd.diagnose, SWEPT, hsgd.SGD(0.3)),
    "exact_mean": (hsgd.exact_mean, SWEPT, hsgd.SGD(RATES[:2]), TIME),
    "exact_stability": (hsgd.exact_stability, SWEPT),
    "simulate.sgd": (simulate.sgd, SWEPT, hsgd.SGD(RATES), TIME),
    "simulate.diffusion": (simulate.diffusion, SWEPT, hsgd.SGD(RATES[:2]), TIME),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_sweep_in_pieces_is_what_the_verb_gives(call, tmp_path):
    verb, *arguments = CALLS[call]
    options = {"num_replicates": 3, "seed": 0} if call.startswith("simulate") else {}
    if call == "simulate.sgd":
        options["engine"] = "reference"  # the cluster's test takes the compiled one
    expected = verb(*arguments, **options)
    found = hsgd.sweep(verb, *arguments, client=False, folder=tmp_path, **options)
    again = hsgd.sweep(verb, *arguments, client=False, folder=tmp_path, **options)
    assert found.drop_attrs(deep=False).identical(expected.drop_attrs(deep=False))
    assert again.identical(found)
    assert set(found.attrs) == set(expected.attrs)
    assert dataset.check(found) is None
    assert "ridge" in found.dims or "rate" in found.dims


def test_runs_have_common_random_numbers_and_a_status_for_each():
    runs = simulate.sgd(
        problem_of(n=40, d=9), hsgd.SGD(RATES), TIME, num_replicates=3, engine="reference"
    )
    assert runs.empirical_risk.dims == ("rate", "time", "replicate")
    assert runs.status.dims == ("rate", "replicate")
    for rate in RATES.values:
        one = simulate.sgd(
            problem_of(n=40, d=9), hsgd.SGD(float(rate)), TIME, num_replicates=3,
            seed=int(runs.attrs["seed"]), engine="reference",
        )  # fmt: skip
        member = runs.isel(rate=list(RATES.values).index(rate))
        np.testing.assert_array_equal(member.distance, one.distance)
    means = simulate.summary(runs)
    assert means.distance_standard_error.dims == ("rate", "time")
    np.testing.assert_allclose(means.distance, runs.distance.mean("replicate"))


def test_diverged_runs_are_counted_over_the_sweep(tmp_path):
    options = {"num_replicates": 2, "seed": 0, "engine": "reference"}
    rates = xr.DataArray([0.1, 50.0, 60.0], dims="rate")
    for _ in range(2):  # the second time the warnings come out of the files
        with pytest.warns(UserWarning, match="warnings in 3 members of the sweep.*diverged"):
            runs = hsgd.sweep(
                simulate.sgd, problem_of(n=9, d=4), hsgd.SGD(rates), [0.0, 300.0],
                client=False, folder=tmp_path, **options,
            )  # fmt: skip
        np.testing.assert_array_equal(runs.status, [[0, 0], [1, 1], [1, 1]])
        assert runs.attrs["num_diverged"] == 4


def test_replicates_of_one_setting_are_pieces_too(tmp_path):
    problem = problem_of(n=20, d=5)
    options = {"num_replicates": 7, "first_replicate": 3, "seed": 5, "engine": "reference"}
    expected = simulate.sgd(problem, hsgd.SGD(0.4), TIME, **options)
    runs = hsgd.sweep(
        simulate.sgd, problem, hsgd.SGD(0.4), TIME, client=False, folder=tmp_path, **options
    )
    assert runs.drop_attrs(deep=False).identical(expected.drop_attrs(deep=False))
    assert len(list(tmp_path.glob("part-*.nc"))) == 7


@pytest.mark.parametrize("count", [1, 2, 127, 128, 129, 1000])
@pytest.mark.parametrize("num_replicates", [None, 1, 64])
def test_pieces_are_balanced_and_cover_all(count, num_replicates):
    rates = xr.DataArray(np.linspace(0.1, 0.5, count), dims="rate")
    call = (problem_of(), hsgd.SGD(rates), TIME)
    if num_replicates is None:
        whole = Sweep.of(hsgd.predict, call, {})
    else:
        whole = Sweep.of(simulate.sgd, call, {"num_replicates": num_replicates})
    pieces = sweeping.divided(whole)
    covered = [
        (member, run) for p in pieces for member in p.members for run in p.replicates or (None,)
    ]
    runs = (None,) if num_replicates is None else range(num_replicates)
    assert covered == [(member, run) for member in range(count) for run in runs]
    sizes = [len(p.members) * len(p.replicates or (None,)) for p in pieces]
    assert max(len(p.members) for p in pieces) - min(len(p.members) for p in pieces) <= 1
    assert len(pieces) <= sweeping.NUM_PIECES
    assert max(sizes) <= max(2 * sum(sizes) / sweeping.NUM_PIECES + 1, (num_replicates or 1) * 8)


def test_damaged_parts_are_computed_again_and_foreign_files_left_alone(tmp_path):
    expected = limits_of(folder=tmp_path)
    parts = sorted(tmp_path.glob("part-*.nc"))
    before = {part: part.stat().st_mtime_ns for part in parts}
    content = bytearray(parts[0].read_bytes())
    content[len(content) // 2] ^= 1
    parts[0].write_bytes(content)
    foreign = {"part-00000-0123456789abcdef.nc": b"theirs", "part-notes.nc": b"", "a.txt": b"hi"}
    for name, words in foreign.items():
        (tmp_path / name).write_bytes(words)
    with pytest.warns(UserWarning, match="computed again: .* damaged") as caught:
        assert limits_of(folder=tmp_path).identical(expected)
    assert len(caught) == 1
    for name, words in foreign.items():
        assert (tmp_path / name).read_bytes() == words
    assert [before[part] for part in parts[1:]] == [part.stat().st_mtime_ns for part in parts[1:]]
    dataset.load(parts[0])
    # A part under another one's name is not believed.
    parts[1].write_bytes(parts[2].read_bytes())
    with pytest.warns(UserWarning, match="not the part that its name says"):
        assert limits_of(folder=tmp_path).identical(expected)


def decaying(speed):
    """Functions of one name, which tells nothing of their values."""
    return lambda t: 0.3 / (1 + speed * t)


OTHERS = {
    "problem": {"problem": population(5)},
    "algorithm": {"algorithm": hsgd.StreamingSGD(RATES, 2)},
    "values": {"algorithm": hsgd.StreamingSGD(RATES * 1.0000001)},
    "time": {"time": TIME[:-1]},
    "options": {"rtol": 1e-7},
    "statistics": {"statistics": "distance"},
    "verb": {"verb": hsgd.limits, "time": None, "rtol": None},
    "function": {
        "problem": population(4).replace(ridge=RIDGES),
        "algorithm": hsgd.StreamingSGD(decaying(1.0)),
    },
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_folder_of_another_sweep_is_refused_and_kept(tmp_path, other):
    call = {"verb": hsgd.predict, "problem": population(4), "algorithm": hsgd.StreamingSGD(RATES)}
    call |= {"time": TIME, "rtol": 1e-6, "folder": tmp_path, "client": False}
    if other == "function":
        call |= OTHERS[other]
        changed = {"algorithm": hsgd.StreamingSGD(decaying(1.001))}
    else:
        changed = OTHERS[other]
    hsgd.sweep(**call)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    call = {name: value for name, value in (call | changed).items() if value is not None}
    with pytest.raises(ValueError, match="choose another folder") as caught:
        hsgd.sweep(**call)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    words = json.loads((tmp_path / "configuration.json").read_text())["configuration"]
    assert words["verb"] == "hsgd.theory.prediction.predict"


def test_a_folder_of_another_version_is_refused(tmp_path, monkeypatch):
    limits_of(folder=tmp_path)
    monkeypatch.setattr(provenance, "version", lambda: "another")
    with pytest.raises(ValueError, match="or of another version: choose another folder"):
        limits_of(folder=tmp_path)


def test_seeds_that_differ_in_their_place_only_are_told_apart():
    parent = np.random.SeedSequence(5)
    seeds = [parent, *parent.spawn(2), np.random.SeedSequence(6)]
    words = [json.dumps(fingerprint("seed", seed)) for seed in seeds]
    assert len(set(words)) == 4


def failing(problem, algorithm):
    """A verb that fails for one setting."""
    if algorithm.learning_rate == 0.4 and problem.ridge > 0:
        raise ZeroDivisionError("by zero")
    return hsgd.limits(problem, algorithm)


def test_a_failed_member_names_its_parameters_and_the_others_stay(tmp_path):
    call = (failing, population(4).replace(ridge=RIDGES), hsgd.StreamingSGD(RATES))
    for _ in range(2):
        with pytest.raises(
            ArithmeticError, match=r"in the member ridge = 0.3, learning_rate = 0.4: .*by zero"
        ):
            hsgd.sweep(*call, client=False, folder=tmp_path)
        assert len(list(tmp_path.glob("part-*.nc"))) == 4
    with pytest.raises(ValueError, match=r"in the member learning_rate = 0.1: unknown statistic"):
        limits_of(statistics="dreams")


def test_the_progress_bar_says_what_is_done(tmp_path, capsys):
    limits_of(folder=tmp_path, progress=True)
    shown = capsys.readouterr().err
    assert "limits: 100%" in shown
    assert "3.00/3.00" in shown
    assert "members" in shown
    limits_of(folder=tmp_path, progress=True)
    assert "3.00/3.00" in capsys.readouterr().err  # of what was finished before
    limits_of(folder=tmp_path, progress=False)
    assert capsys.readouterr().err == ""
    hsgd.sweep(
        simulate.sgd, problem_of(), hsgd.SGD(0.1), [1.0], num_replicates=4, seed=0,
        engine="reference", progress=True, client=False,
    )  # fmt: skip
    shown = capsys.readouterr().err
    assert "sgd: 100%" in shown
    assert "4.00/4.00" in shown
    assert "runs" in shown


def test_without_distributed_it_runs_here_and_says_so(monkeypatch):
    monkeypatch.setattr(clusters.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(clusters.threads, "available", lambda: 2)
    with pytest.warns(UserWarning, match=r"on one core.*hsgd\[distributed\].*client=False"):
        found = limits_of(client=None)
    assert found.identical(limits_of())


def test_a_process_that_is_just_being_started_starts_no_others(monkeypatch):
    monkeypatch.setattr(clusters.threads, "available", lambda: 2)
    monkeypatch.setattr(clusters.multiprocessing, "parent_process", lambda: 1)
    current = type("Process", (), {"_inheriting": True})
    monkeypatch.setattr(clusters.multiprocessing, "current_process", current)
    with pytest.raises(RuntimeError, match="__name__ == '__main__'"):
        limits_of(client=None)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"verb": "predict"}, TypeError, "what is to be swept is a str: pass the function itself"),
        ({"client": "tcp://here:1"}, TypeError, r"client is a str: pass a distributed\.Client"),
        ({"progress": "yes"}, TypeError, "progress is 'yes'"),
        ({"folder": 3}, TypeError, "folder is a int: pass the path"),
        ({"algorithm": hsgd.SGD(0.1)}, ValueError, "nothing is swept: give learning_rate"),
        ({"time": [1.0, 0.5]}, ValueError, "time must increase"),
        ({"tiem": [1.0]}, TypeError, "predict cannot be called like this: .*tiem"),
        ({"algorithm": hsgd.SGD(RATES.rename(rate="time"))}, ValueError, "rename the dimension"),
        ({"statistics": lambda x: x}, TypeError, "statistics is a function, so the files"),
        ({"verb": simulate.sgd}, ValueError, "a folder needs a seed"),
        ({"verb": simulate.sgd, "seed": 1, "num_replicates": "auto"}, ValueError, "an integer"),
        ({"verb": simulate.sgd, "seed": 1, "checkpoint": "x"}, ValueError, "folder=folder"),
        ({"verb": simulate.sgd, "seed": 1, "num_replicates": 0}, ValueError, "at least 1"),
    ],
)
def test_bad_input_gets_one_sentence_before_any_work(tmp_path, options, error, message):
    call = {"verb": hsgd.predict, "problem": problem_of(), "algorithm": hsgd.SGD(RATES)}
    call |= {"time": TIME, "client": False, "folder": tmp_path / "new"}
    with pytest.raises(error, match=message) as caught:
        hsgd.sweep(**(call | options))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_sweep_of_runs_is_spread_as_a_whole():
    with pytest.raises(ValueError, match=r"call hsgd\.sweep\(function, \.\.\., client=client\)"):
        simulate.sgd(problem_of(), hsgd.SGD(RATES), TIME, client=object())


FULL_DISK = """
import resource, signal, sys, warnings
import numpy as np, xarray as xr, hsgd
from hsgd import dataset
from hsgd.sweeps import parts
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
save, saved = dataset.save, []
def counting(ds, path):
    # The disk is full from the third part to the sixth.
    if len(saved) in (2, 6):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096 if len(saved) == 2 else limit[0], limit[1]))
    saved.append(path)
    return save(ds, path)
dataset.save = counting
rates = xr.DataArray(np.linspace(0.1, 0.5, 9), dims="rate")
call = (hsgd.limits, hsgd.GaussianRows(0.1, np.ones(10)), hsgd.StreamingSGD(rates))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = hsgd.sweep(*call, client=False, folder=sys.argv[1])
assert [str(w.message)[:45] for w in caught] == ["a part of the sweep could not be kept, and th"]
assert found.drop_attrs().identical(hsgd.limits(*call[1:]).drop_attrs())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs POSIX limits")
def test_a_really_full_disk_loses_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # What could not be written at first was written later, so nothing is computed again.
    assert len(list(tmp_path.glob("part-*.nc"))) == 9
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"the sweep folder .* choose another"):
        limits_of(folder=tmp_path / "file")
    (tmp_path / "configuration.json").write_text("{}")
    with pytest.raises(ValueError, match="not a sweep's record"):
        limits_of(folder=tmp_path)
    assert atomic.STALE > 60


@pytest.mark.filterwarnings("ignore")
def test_two_workers_one_is_killed_and_the_sweep_is_complete(client, tmp_path):
    marker = str(tmp_path / "killed")

    def deadly(problem, algorithm, time):
        # The first to come to the fourth rate kills its own process, as the system would.
        if algorithm.learning_rate > 0.35:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return hsgd.predict(problem, algorithm, time)

    rates = xr.DataArray(np.linspace(0.1, 0.6, 8), dims="rate")
    call = (SWEPT, hsgd.SGD(rates), TIME)
    before = set(client.nthreads())
    found = hsgd.sweep(deadly, *call, client=client, folder=tmp_path / "parts")
    assert os.path.exists(marker)
    assert found.drop_attrs().identical(hsgd.predict(*call).drop_attrs())
    assert len(list((tmp_path / "parts").glob("part-*.nc"))) == 16
    client.wait_for_workers(2)
    assert set(client.nthreads()) != before


@pytest.mark.filterwarnings("ignore")
def test_what_is_lost_with_all_workers_is_sent_again(client, tmp_path, monkeypatch):
    once, rounds = clusters._one_round, []
    monkeypatch.setattr(clusters, "_one_round", lambda *a: rounds.append(a) or once(*a))

    def deadly(problem, algorithm):
        # The first two processes that come here wait for each other and die together.
        if len(list(tmp_path.iterdir())) < 2:
            (tmp_path / str(os.getpid())).touch()
            while len(list(tmp_path.iterdir())) < 2:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
        return hsgd.limits(problem, algorithm)

    client.wait_for_workers(2)
    rates = xr.DataArray(np.linspace(0.1, 0.6, 8), dims="rate")
    found = hsgd.sweep(deadly, population(4), hsgd.StreamingSGD(rates), client=client)
    assert len(list(tmp_path.iterdir())) == 2
    assert len(rounds) >= 2
    assert found.drop_attrs().identical(limits_of(rates))


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_gives_the_same_bits_and_errors(client):
    for call in ("predict with a function", "simulate.sgd"):
        verb, *arguments = CALLS[call]
        options = {"num_replicates": 3, "seed": 0} if call == "simulate.sgd" else {}
        found = hsgd.sweep(verb, *arguments, client=client, **options)
        expected = verb(*arguments, **options)
        assert found.drop_attrs().identical(expected.drop_attrs())
        assert found.attrs.get("num_threads", 1) == 1
    with pytest.raises(ArithmeticError, match=r"in the member ridge = 0.3, learning_rate = 0.4"):
        hsgd.sweep(
            failing, population(4).replace(ridge=RIDGES), hsgd.StreamingSGD(RATES), client=client
        )


@pytest.mark.filterwarnings("ignore")
def test_the_default_is_a_cluster_of_this_machine(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(clusters.threads, "available", lambda: 2)

    def where(problem, algorithm):
        from hsgd.machine import threads

        found = hsgd.limits(problem, algorithm)
        names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        found["process"] = os.getpid()
        found["threads"] = threads.available() + sum(int(os.environ[name]) for name in names) - 3
        return found

    found = hsgd.sweep(where, population(4), hsgd.StreamingSGD(RATES))
    assert os.getpid() not in found.process
    assert (found.threads == 1).all()


UNGUARDED = """
import numpy as np, xarray as xr, hsgd
from hsgd.machine import clusters
clusters.threads.available = lambda: 2
rates = xr.DataArray(np.linspace(0.1, 0.5, 3), dims="rate")
hsgd.sweep(hsgd.limits, hsgd.GaussianRows(0.1, np.ones(9)), hsgd.StreamingSGD(rates))
"""


@pytest.mark.slow
def test_a_script_without_the_guard_is_told_so(tmp_path):
    pytest.importorskip("distributed")
    (tmp_path / "script.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "no workers could be started" in last
    assert "put the call of hsgd.sweep under `if __name__ == '__main__':`" in last


def test_an_interrupt_keeps_what_is_finished_and_nothing_else(tmp_path):
    def interrupted(problem, algorithm):
        found = hsgd.limits(problem, algorithm)
        if algorithm.learning_rate > 0.5:  # as simulate.sgd does on Ctrl-C
            found.attrs["status"] = "partial"
        return found

    call = (population(4), hsgd.StreamingSGD(RATES))
    with pytest.raises(KeyboardInterrupt):
        hsgd.sweep(interrupted, *call, client=False, folder=tmp_path)
    assert len(list(tmp_path.glob("part-*.nc"))) == 2


def test_rules_without_a_learning_rate_are_swept_by_their_batches():
    sizes = xr.DataArray([1, 4], dims="size")
    runs = simulate.sgd(
        population(4), hsgd.Polyak(batch_size=sizes), [0.0, 2.0], seed=0, engine="reference"
    )
    assert runs.population_risk.dims == ("size", "time", "replicate")
    assert runs.realised_learning_rate.dims == ("size", "time", "replicate")
    np.testing.assert_array_equal(runs.batch_size, sizes)


def test_a_swept_schedule_goes_in_pieces_too(tmp_path):
    problem = hsgd.GaussianRows(1 / 20, np.ones(20)).sample(40, seed=0)
    initial = xr.DataArray([0.1, 0.3], dims="initial", coords={"initial": [0.1, 0.3]})
    sgd = hsgd.SGD(hsgd.CosineDecay(initial, 2.0))
    whole = hsgd.sweep(hsgd.predict, problem, sgd, [0.0, 1.0, 2.0], folder=tmp_path, client=False)
    xr.testing.assert_allclose(
        whole.empirical_risk, hsgd.predict(problem, sgd, [0.0, 1.0, 2.0]).empirical_risk
    )
    other = hsgd.SGD(hsgd.CosineDecay(initial + 0.1, 2.0))
    with pytest.raises(ValueError, match=r"another"):
        hsgd.sweep(hsgd.predict, problem, other, [0.0, 1.0, 2.0], folder=tmp_path, client=False)


def test_many_members_of_a_piece_are_written_and_read(tmp_path, monkeypatch):
    """More than can all be named in one attribute, as in pieces of a sweep of a thousand points."""
    monkeypatch.setattr(sweeping, "NUM_PIECES", 2)
    small = hsgd.GaussianRows(1.0, np.ones(2)).sample(5, 0)
    problem = small.replace(ridge=xr.DataArray(np.linspace(0.0, 1.0, 3), dims="ridge"))
    rates = xr.DataArray(np.linspace(0.05, 0.1, 4), dims="rate")
    call = (hsgd.limits, problem, hsgd.SGD(rates))
    found = hsgd.sweep(*call, folder=tmp_path / "parts", client=False)
    pieces = sorted((tmp_path / "parts").glob("part-*.nc"))
    first = hsgd.load(pieces[0])
    assert first.sizes["member"] > 3
    assert first.attrs["algorithm"].endswith(" | …")
    again = hsgd.load(found.hsgd.save(tmp_path / "whole.nc"))
    assert again.equals(found)
    spoiled = first.assign_attrs(algorithm=first.attrs["algorithm"].replace('"', "", 1))
    assert "no JSON" in hsgd.dataset.check(spoiled)
