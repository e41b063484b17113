"""Spoiled and foreign files: never a crash, a hang, other data, or code of theirs."""

import os
import pickle
import signal
import time

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd import dataset
from hsgd.dataset import foreign
from tests.tools import mutations, spoiling
from tests.tools.catalogue import things


def complaints(count):
    table = dict(mutations.campaign(count))
    bad = {
        f"{name}: {outcome}": number
        for name, outcomes in table.items()
        for outcome, number in outcomes.items()
        # The HDF5 library loops for ever on a few damaged files. Only one that carries a checksum
        # of its damage, made on purpose, reaches it, and no check in the same process can stop it.
        if not (mutations.allowed(outcome) or (outcome == "HANG" and name.endswith("resealed")))
    }
    return sum(sum(outcomes.values()) for outcomes in table.values()), bad


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_ten_thousand_spoiled_files():
    number, bad = complaints(440)
    assert number >= 10_000
    assert not bad


def answers(reader, good, paths):
    """What a reader in this process makes of each file: the refusals, and how many it read."""
    right, refusals = reader(good), []
    number = 0
    for path in paths:
        number += 1
        try:
            assert mutations.same(right, reader(path))
        except (ValueError, TypeError, OSError, MemoryError) as error:
            refusals.append(str(error))
    assert all(text.endswith(".") and "\n" not in text for text in refusals)
    return number - len(refusals), refusals


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_few_hundred_spoiled_files_in_this_process(tmp_path, monkeypatch):
    """Those whose checksum is wrong never reach the HDF5 library, so no other process is needed."""
    monkeypatch.chdir(tmp_path)
    dataset.save(things()["theory"], tmp_path / "theory.nc")
    np.savez(tmp_path / "data.npz", A=things()["A"], b=things()["b"], ridge=0.1)
    (tmp_path / "spoiled").mkdir()
    for name, reader in (
        ("theory.nc", mutations.read_dataset),
        ("data.npz", mutations.read_command_line),
    ):
        good = tmp_path / name
        paths = spoiling.spoiled(good, tmp_path / "spoiled", 200, 1, resealed=False)
        assert len(answers(reader, good, paths)[1]) > 100
    assert not (tmp_path / "executed").exists()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_spoiled_folders_in_this_process(tmp_path, monkeypatch):
    """Zarr, checkpoints, parts of a sweep, results of a case: what is wrong is noticed or made up
    for. What other programs wrote is not in them, so the HDF5 library sees healthy files only."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spoiled").mkdir()
    (tmp_path / "good").mkdir()
    found = mutations.kinds(tmp_path)
    least = {  # of so many, refusals, right answers
        "Zarr": (18, 15, 0),
        "Zarr tree": (18, 15, 0),
        "checkpoint folder": (18, 5, 2),
        "sweep folder": (18, 1, 5),
        "result folder, read": (9, 5, 0),
        "result folder, gone on with": (9, 0, 7),
    }
    for name, (count, refused, right) in least.items():
        kind = found[name]
        good = spoiling.copy(kind.good, tmp_path / "good" / kind.good.name)
        paths = spoiling.spoiled(kind.good, tmp_path / "spoiled", count, 1, resealed=False)
        number, refusals = answers(mutations.READERS[kind.reader], good, paths)
        assert len(refusals) >= refused, name
        assert number >= right, name
    assert not (tmp_path / "executed").exists()


def in_folder(folder):
    return {path.name: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_the_campaign_notices(tmp_path):
    """Data that are other ones, and pickles: the controls of this file."""
    content = b"0123456789" * 20
    generator = np.random.default_rng(0)
    changed = [m(content, generator) != content for m in spoiling.MUTATIONS for _ in range(20)]
    assert np.mean(changed) > 0.9
    (tmp_path / "good").mkdir()
    for name in "xyz":
        (tmp_path / "good" / name).write_text(name)
    for disorder in spoiling.DISORDERS:
        folder = spoiling.copy(tmp_path / "good", tmp_path / "spoiled")
        disorder(folder, generator)
        assert in_folder(folder) != in_folder(tmp_path / "good"), disorder.__name__
    assert not mutations.allowed("OTHER DATA")
    assert not mutations.allowed("HANG")
    theory = things()["theory"]
    assert not mutations.same(theory, theory * 2)


def test_a_pickle_would_have_been_executed(tmp_path, monkeypatch):
    """The malicious file is one: NumPy with allow_pickle does what it says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.npz").write_bytes(spoiling.foreign()["objects in npz"])
    with np.load("evil.npz", allow_pickle=True) as file:
        file["A"]
    assert (tmp_path / "executed").is_dir()
    with pytest.raises(FileExistsError):
        pickle.loads(pickle.dumps(spoiling.Malice()))


@pytest.mark.parametrize("make", ["folder", "fifo", "loop", "device", "sparse"])
def test_what_is_no_file_is_refused_at_once(make, tmp_path):
    path = tmp_path / "theory.nc"
    if make == "folder":
        path.mkdir()
    elif make == "fifo":
        os.mkfifo(path)  # opened, it would wait for a writer for ever
    elif make == "loop":
        path.symlink_to(path)
    elif make == "device":
        path.symlink_to("/dev/zero")
    else:
        with open(path, "wb") as file:
            file.truncate(2**40)
    for read in (hsgd.dataset.load, mutations.read_command_line):
        with pytest.raises((OSError, ValueError, MemoryError)) as caught:
            read(path)
        assert str(caught.value).endswith(".")


# --- NetCDF of other programs ---


@pytest.fixture
def endless(tmp_path):
    path = tmp_path / "data.nc"
    path.write_bytes(spoiling.endless())
    return path


def test_a_file_on_which_hdf5_loops_for_ever_is_given_up(endless, monkeypatch):
    """Should a later HDF5 library notice the damage itself, it is refused all the same."""
    monkeypatch.setattr(foreign, "SECONDS", 2.0)
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"data\.nc as NetCDF .* numpy\.savez\.$"):
        mutations.read_command_line(endless)
    assert time.monotonic() - began < 30
    endless.write_bytes(spoiling.endless(healthy=True))
    A, b, ridge = mutations.read_command_line(endless)
    assert (A, b, ridge) == (np.eye(3).tobytes(), np.ones(3).tobytes(), 0.0)


CHILDREN = {
    "import time; time.sleep(1000)": "given up after 1 s",
    f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})": "crashed the HDF5 library",
    "raise KeyError": "has failed",
    "print('[]')": None,
    "print('{')": "has failed",
    "print('1')": "has failed",
    'print(\'[{"name": "A", "dtype": "f8", "shape": [2], "packing": {}}]\')': "has failed",
    "print('[]\\nmore')": "has failed",
    "print('[]' + 10**6 * '\\nmore')": "has failed",
}


@pytest.mark.parametrize("program", CHILDREN)
def test_whatever_becomes_of_the_child_is_said_in_a_sentence(endless, monkeypatch, program):
    script = endless.with_suffix(".py")
    script.write_text(program)
    monkeypatch.setattr(foreign, "__file__", str(script))
    monkeypatch.setattr(foreign, "SECONDS", 1.0 if "sleep" in program else 60.0)
    expected = CHILDREN[program]
    if expected is None:
        assert foreign.read(endless, ["A"]) == {}
        return
    with pytest.raises(ValueError, match=expected):
        foreign.read(endless, ["A"])


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(endless, monkeypatch):
    script = endless.with_suffix(".py")
    told = '[{"name": "A", "dtype": "f8", "shape": [1000000000, 1000000000], "packing": {}}]'
    script.write_text(f"import time; print({told!r}, flush=True); time.sleep(1000)")
    monkeypatch.setattr(foreign, "__file__", str(script))
    with pytest.raises(MemoryError, match=r"data\.nc would need about 1\.6e\+10 GB"):
        foreign.read(endless, ["A"])


def test_numbers_are_decoded_as_xarray_does(tmp_path):
    packed = {"scale_factor": 0.5, "add_offset": 1.0, "_FillValue": np.int16(7)}
    stored = xr.Dataset(
        {
            "A": (("n", "d"), np.arange(12.0, dtype=">f4").reshape(4, 3)),
            "b": ("n", np.arange(5, 9, dtype="i2"), packed),
            "x0": ("d", np.array([1, 2, -6], "i1"), {"_Unsigned": "true"}),
            "ridge": np.float32(0.5),
            "other": ("word", ["ignored"]),
        }
    )
    stored.to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "data.nc", engine="h5netcdf") as expected:
        found = foreign.read(tmp_path / "data.nc", ["A", "b", "x0", "ridge", "A_test"])
        assert list(found) == ["A", "b", "x0", "ridge"]
        for name, values in found.items():
            assert values.dtype == expected[name].dtype
            np.testing.assert_array_equal(values, expected[name].values)
    assert np.isnan(found["b"][2])
