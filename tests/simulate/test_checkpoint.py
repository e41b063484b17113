"""Checkpoints: stopped anywhere, resumed to the bit; and what cannot go on says so."""

import json
import os
import shutil
import signal
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from hsgd import dataset
from hsgd.algorithms.momentum import HeavyBall
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.statistics.quadratics import Quadratic
from simulate import Checkpoint, checkpoint, sgd
from simulate.engines import reference
from simulate.engines.cpu import engine as cpu
from simulate.recording import Recorder
from tests.tools.killing import Killed, stop_writing

TIMES = np.linspace(0, 3, 40)


@pytest.fixture
def small_pieces(monkeypatch):
    """Chunks of a few iterations, blocks of a few records: many moments to be killed in."""
    monkeypatch.setattr(cpu, "CHUNK_FLOPS", 3000)
    monkeypatch.setattr(reference, "CHUNK", 7)
    monkeypatch.setattr("simulate.run.planning.block_size", lambda dimension: 16)


POPULATION = GaussianRows(np.linspace(0.01, 0.2, 11), np.ones(11), 0.3)
CASES = {
    "single rows": (LeastSquares, SGD(0.4), "cpu"),
    "batches": (LeastSquares, SGD(0.4, 3, "reshuffle"), "cpu"),
    "momentum": (LeastSquares, HeavyBall(0.2, 0.5, 2), "cpu"),
    "streaming": (GaussianRows, StreamingSGD(0.5, 2), "cpu"),
    "reference": (LeastSquares, HeavyBall(0.2, 0.5, 2), "reference"),
}


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere_it_resumes_to_the_bit(
    build, tmp_path, monkeypatch, small_pieces, case, num_threads
):
    kind, algorithm, engine = CASES[case]
    problem = POPULATION if kind is GaussianRows else build(ridge=0.4)
    monkeypatch.setenv("NUMBA_NUM_THREADS", str(num_threads))
    asked = {"num_replicates": 4, "seed": 3, "engine": engine}
    expected = sgd(problem, algorithm, TIMES, **asked).to_dataarray().values
    rng = np.random.default_rng(num_threads)
    for trial in range(2):
        folder = Checkpoint(tmp_path / str(trial), seconds=0.0)
        kills = 0
        while True:
            with monkeypatch.context() as patch:
                stop_writing(patch, int(rng.integers(2, 9)))
                try:
                    runs = sgd(problem, algorithm, TIMES, checkpoint=folder, **asked)
                except Killed:
                    kills += 1
                    continue
            assert (runs.to_dataarray().values == expected).all()
            assert runs.attrs["status"] == "complete"
            break
        assert kills >= 2
        assert not list((tmp_path / str(trial)).glob("running-*"))


def test_the_test_of_kills_notices_a_lost_step(build, tmp_path, monkeypatch, small_pieces):
    # The negative control: a state that is one iteration off.
    from simulate.checkpoint import Folder

    expected = sgd(build(), SGD(0.4), TIMES, seed=3).to_dataarray().values
    with monkeypatch.context() as patch:
        stop_writing(patch, 6)
        with pytest.raises(Killed):
            sgd(build(), SGD(0.4), TIMES, seed=3, checkpoint=Checkpoint(tmp_path, 0.0))
    state = Folder.state

    def late(self, index):
        found = state(self, index)
        found.done += 1
        return found

    monkeypatch.setattr(Folder, "state", late)
    runs = sgd(build(), SGD(0.4), TIMES, seed=3, checkpoint=Checkpoint(tmp_path, 0.0))
    assert (runs.to_dataarray().values != expected).any()


def test_a_folder_serves_more_replicates_later(build, tmp_path):
    first = sgd(build(), SGD(0.4), TIMES, num_replicates=2, seed=1, checkpoint=tmp_path)
    more = sgd(build(), SGD(0.4), TIMES, num_replicates=5, seed=1, checkpoint=str(tmp_path))
    assert (more.distance[:, :2].values == first.distance.values).all()
    again = sgd(
        build(), SGD(0.4), TIMES, num_replicates=3, first_replicate=2, seed=1, checkpoint=tmp_path
    )
    assert (again.distance.values == more.distance[:, 2:].values).all()
    assert len(list(tmp_path.glob("finished-*"))) == 2


def test_diverged_replicates_stay_diverged(build, tmp_path):
    asked = {"num_replicates": 2, "seed": 1, "checkpoint": tmp_path}
    results = []
    for _ in range(2):
        with pytest.warns(UserWarning, match="2 of 2 runs diverged"):
            results.append(sgd(build(), SGD(50.0), [0.0, 1.0, 300.0], **asked))
    assert (results[0].status == 1).all()
    assert np.isfinite(results[0].distance[0]).all()
    assert results[0].drop_attrs().equals(results[1].drop_attrs())


OTHERS = {
    "problem": {"problem": GaussianRows(0.1, np.ones(11)).sample(30, 0)},
    "algorithm": {"algorithm": SGD(0.4, 2)},
    "function": {"algorithm": SGD(lambda t: 0.4 / (2 + t))},
    "times": {"time": [0.0, 1.0]},
    "seed": {"seed": 2},
    "engine": {"engine": "reference"},
    "dtype": {"dtype": "float32"},
    "statistics": {"statistics": Quadratic(np.eye(11), name="square")},
    "statistic's content": {"statistics": Quadratic(2 * np.eye(11), name="square")},
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_checkpoint_of_another_run_is_refused_and_kept(build, tmp_path, other):
    asked = {"problem": build(), "algorithm": SGD(lambda t: 0.4 / (1 + t)), "time": TIMES}
    asked |= {"seed": 1, "checkpoint": tmp_path, "engine": "cpu"}
    if other == "statistic's content":
        asked["statistics"] = Quadratic(np.eye(11), name="square")
    sgd(**asked)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="choose another folder") as caught:
        sgd(**(asked | OTHERS[other]))
    assert str(caught.value).endswith(".")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    record = json.loads((tmp_path / "configuration.json").read_text())
    assert record["configuration"]["algorithm"]["algorithm"] == "SGD"


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and then nothing"])
def test_a_damaged_file_is_named(build, tmp_path, damage):
    sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)
    (part,) = tmp_path.glob("finished-*")
    part.write_bytes(damage)
    with pytest.raises(ValueError, match=f"{part.name} is damaged .* delete it"):
        sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)
    part.unlink()
    sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)


@pytest.mark.parametrize("part", ["finished", "running"])
def test_the_file_of_another_replicate_is_refused(build, tmp_path, monkeypatch, part):
    """Whole, and of this configuration; but replicate 1 would go on from the state of another."""
    monkeypatch.setattr(reference, "CHUNK", 7)
    asked = {"seed": 3, "engine": "reference", "checkpoint": Checkpoint(tmp_path, 0.0)}
    with monkeypatch.context() as patch:
        if part == "running":
            stop_writing(patch, 6)
            with pytest.raises(Killed):
                sgd(build(), SGD(0.4), TIMES, **asked)
        else:
            sgd(build(), SGD(0.4), TIMES, **asked)
    kept = tmp_path / f"{part}-000000000000.npz"
    other = kept.rename(tmp_path / f"{part}-000000000001.npz")
    with pytest.raises(ValueError, match=rf"written as {kept.name}: rename it to that, or delete"):
        sgd(build(), SGD(0.4), TIMES, num_replicates=2, **asked)
    other.rename(kept)
    sgd(build(), SGD(0.4), TIMES, num_replicates=2, **asked)


def test_what_would_never_end_is_not_read(build, tmp_path):
    sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)
    for name, message in {
        "finished-000000000001.npz": "is damaged",
        "configuration.json": "choose an empty folder",
    }.items():
        (tmp_path / name).unlink(missing_ok=True)
        os.mkfifo(tmp_path / name)
        with pytest.raises(ValueError, match=message):
            sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("/dev/zero")
        with pytest.raises(ValueError, match=message):
            sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)
        (tmp_path / name).unlink()


def test_a_strange_folder_is_refused(build, tmp_path):
    (tmp_path / "configuration.json").write_text("[1]")
    with pytest.raises(ValueError, match="empty folder"):
        sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"checkpoint folder .* choose another"):
        sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path / "file")


def test_a_full_disk_loses_nothing(build, tmp_path, monkeypatch, small_pieces):
    expected = sgd(build(), SGD(0.4), TIMES, num_replicates=3, seed=1).to_dataarray().values
    write, calls = dataset.write_atomically, []

    def full(path, content):
        calls.append(path)
        if 4 < len(calls) < 12:
            raise OSError(f"{path} could not be written ([Errno 28] No space left on device).")
        write(path, content)

    monkeypatch.setattr(dataset, "write_atomically", full)
    with pytest.warns(UserWarning, match="the run goes on without it") as caught:
        runs = sgd(
            build(), SGD(0.4), TIMES, num_replicates=3, seed=1, checkpoint=Checkpoint(tmp_path, 0)
        )
    assert len(caught) == 1
    assert (runs.to_dataarray().values == expected).all()
    # Space came back, and with it what had not been written.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setattr("simulate.engines.cpu.engine.OnData.advance", None)  # nothing is run
        again = sgd(
            build(), SGD(0.4), TIMES, num_replicates=3, seed=1, checkpoint=Checkpoint(tmp_path, 0)
        )
    assert (again.to_dataarray().values == expected).all()


def test_a_folder_that_vanishes_loses_nothing(build, tmp_path, monkeypatch, small_pieces):
    expected = sgd(build(), SGD(0.4), TIMES, num_replicates=3, seed=1).to_dataarray().values
    folder = tmp_path / "gone"
    write, calls = dataset.write_atomically, []

    def vanish(path, content):
        calls.append(path)
        if len(calls) == 3:
            folder.rename(tmp_path / "elsewhere")
        write(path, content)

    monkeypatch.setattr(dataset, "write_atomically", vanish)
    with pytest.warns(UserWarning, match="the run goes on without it"):
        runs = sgd(
            build(), SGD(0.4), TIMES, num_replicates=3, seed=1, checkpoint=Checkpoint(folder, 0)
        )
    assert (runs.to_dataarray().values == expected).all()


def test_stale_unfinished_files_are_swept_and_fresh_ones_left(build, tmp_path):
    for name, age in ((".old.part", 7200), (".new.part", 0)):
        path = tmp_path / name
        path.touch()
        stamp = path.stat().st_mtime - age
        os.utime(path, (stamp, stamp))
    sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)
    assert [path.name for path in tmp_path.glob(".*.part")] == [".new.part"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_interrupted_by_the_user_it_goes_on_to_the_bit(build, tmp_path):
    times = [0.0, 1.0, 1e6]
    sgd(build(), SGD(0.4), [1.0], seed=1)  # compiled before the clock starts
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        with pytest.warns(UserWarning, match="the same call goes on"):
            partial = sgd(build(), SGD(0.4), times, seed=1, checkpoint=tmp_path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert partial.attrs["status"] == "partial"
    (state,) = tmp_path.glob("running-*")
    assert np.load(state)["done"] > 30
    resumed = sgd(build(), SGD(0.4), times, seed=1, checkpoint=tmp_path)
    whole = sgd(build(), SGD(0.4), times, seed=1)
    assert (resumed.to_dataarray().values == whole.to_dataarray().values).all()
    assert (partial.distance[:2].values == whole.distance[:2].values).all()


@pytest.mark.parametrize(
    "forged",
    [
        {"replicates": np.array([0, 1, 2])},
        {"replicates": np.array([["a"]])},
        {"values": np.zeros(3)},
        {"diverged": np.zeros(0)},
    ],
)
def test_a_forged_file_is_named(build, tmp_path, forged):
    """Its marks are right, but its arrays do not belong together."""
    sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)
    (part,) = tmp_path.glob("finished-*")
    with np.load(part) as file:
        content = {name: file[name] for name in file.files}
    np.savez(part, **content | forged)
    with pytest.raises(ValueError, match=f"{part.name} is damaged .* delete it"):
        sgd(build(), SGD(0.4), TIMES, seed=1, checkpoint=tmp_path)


def test_saves_are_a_minute_apart(tmp_path, monkeypatch):
    """Each counts from the one before it: else all would be saved, all the time, after a minute."""
    now = [1000.0]
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: now[0]))
    recorder = Recorder([Quadratic(np.eye(2), name="square")], 3, 4)
    store = checkpoint.Folder(Checkpoint(tmp_path), {}, recorder, range(4))
    saved = []

    def state():
        saved.append(now[0] - 1000.0)
        return checkpoint.State(points=np.zeros((1, 2)))

    parts = []
    finished = {59: 0, 60: 1, 61: 2, 125: 3}
    for second in range(190):
        now[0] = 1000.0 + second
        store.offer(0, state)
        if second in finished:
            store.complete(finished[second])
            parts.append(len(list(tmp_path.glob("finished-*"))))
    assert saved == [60.0, 120.0, 180.0]
    assert parts == [0, 1, 1, 2]


def test_an_interrupt_keeps_all_that_was_done(build, tmp_path, monkeypatch, small_pieces):
    """Finished replicates although it was no time to save them; records of a begun block."""
    asked = {"num_replicates": 3, "seed": 1, "engine": "reference"}
    left = [90 + 50]  # iterations: the first replicate, and a part of the second

    @contextmanager
    def mortal(show, total):
        def report(done):
            left[0] -= done
            if left[0] < 0:
                raise KeyboardInterrupt

        yield report

    whole = sgd(build(), SGD(0.4), TIMES, **asked)
    with monkeypatch.context() as patch:
        patch.setattr("simulate.run.execution.bar", mortal)
        with pytest.warns(UserWarning, match="the same call goes on"):
            partial = sgd(build(), SGD(0.4), TIMES, checkpoint=tmp_path, **asked)
    names = ["finished-000000000000.npz", "running-000000000001.npz"]
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == names
    done = int(np.load(tmp_path / names[1])["done"])
    assert 50 < done < 90
    for name in whole.data_vars:
        known = ~np.isnan(partial[name].values)
        assert known[:, 0].all()
        assert (known[:, 1] == (whole.iteration.values <= done)).all()
        assert (partial[name].values[known] == whole[name].values[:, :2][known]).all()
    resumed = sgd(build(), SGD(0.4), TIMES, checkpoint=tmp_path, **asked)
    assert (resumed.to_dataarray().values == whole.to_dataarray().values).all()


def test_progress_adds_up_however_replicates_end(build, tmp_path, monkeypatch, small_pieces):
    """Complete, diverged, gone on with or found finished: each counts all of its iterations."""
    told, totals, stop_at = [], [], [np.inf]

    @contextmanager
    def bar(show, total):
        told.clear()
        totals.append(total)

        def report(done):
            told.append(done)
            if sum(told) > stop_at[0]:
                raise KeyboardInterrupt

        yield report

    monkeypatch.setattr("simulate.run.execution.bar", bar)
    asked = {"time": TIMES, "num_replicates": 2, "seed": 1, "engine": "reference"}
    with pytest.warns(UserWarning, match="2 of 2 runs diverged"):
        sgd(build(), SGD(1e200), **asked)
    assert sum(told) == totals[-1] == 180
    stop_at[0] = 130
    with pytest.warns(UserWarning, match="interrupted"):
        sgd(build(), SGD(0.4), checkpoint=tmp_path, **asked)
    stop_at[0] = np.inf
    for _ in range(2):
        sgd(build(), SGD(0.4), checkpoint=tmp_path, **asked)
        assert sum(told) == totals[-1] == 180


def test_a_part_of_another_run_is_refused(build, tmp_path):
    """The folder is the right one; but a file of another seed's has come into it."""
    asked = {"problem": build(), "algorithm": SGD(0.4), "time": [1.0], "engine": "reference"}
    for seed in (1, 2):
        sgd(seed=seed, checkpoint=tmp_path / str(seed), **asked)
    (part,) = (tmp_path / "2").glob("finished-*")
    shutil.copy(part, tmp_path / "1")
    with pytest.raises(ValueError, match=rf"{part.name} is from .* choose another folder"):
        sgd(seed=1, checkpoint=tmp_path / "1", **asked)


def test_a_checkpoint_of_another_version_is_refused(build, tmp_path, monkeypatch):
    asked = {"problem": build(), "algorithm": SGD(0.4), "time": [1.0], "engine": "reference"}
    sgd(seed=1, checkpoint=tmp_path, **asked)
    monkeypatch.setattr("hsgd.dataset.provenance.version", lambda: "another")
    with pytest.raises(ValueError, match="choose another folder"):
        sgd(seed=1, checkpoint=tmp_path, **asked)


def test_an_array_under_another_name_is_damage(build, tmp_path, monkeypatch, small_pieces):
    """Contents have check sums in the file, names have none."""
    asked = {"seed": 3, "engine": "reference", "checkpoint": Checkpoint(tmp_path, 0.0)}
    with monkeypatch.context() as patch:
        stop_writing(patch, 6)
        with pytest.raises(Killed):
            sgd(build(), SGD(0.4), TIMES, **asked)
    (state,) = tmp_path.glob("running-*")
    with np.load(state) as file:
        content = {{"x": "y"}.get(name, name): file[name] for name in file.files}
    np.savez(state, **content)
    with pytest.raises(ValueError, match=f"{state.name} is damaged .* delete it"):
        sgd(build(), SGD(0.4), TIMES, **asked)


def test_files_are_parsed_one_at_a_time(build, tmp_path, monkeypatch):
    """Python 3.11's parser, by which NumPy reads the headers of arrays, loses count otherwise."""
    asked = {"num_replicates": 6, "seed": 3, "checkpoint": Checkpoint(tmp_path, seconds=0.0)}
    expected = sgd(build(), SGD(0.4), TIMES, **asked)
    inside, most, right = [], [0], np.load

    def watched(*arguments, **options):
        inside.append(1)
        most[0] = max(most[0], len(inside))
        time.sleep(0.01)  # long enough for the others to come
        found = right(*arguments, **options)
        inside.pop()
        return found

    monkeypatch.setattr(checkpoint.np, "load", watched)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "4")
    folders = [tmp_path] * 4
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda _: sgd(build(), SGD(0.4), TIMES, **asked), folders))
    assert most == [1]
    assert all(one.equals(expected) for one in again)
