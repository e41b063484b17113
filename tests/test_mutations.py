"""Spoiled and foreign files: never a crash, a hang, other data, or code of theirs."""

import os
import pickle

import numpy as np
import pytest

import hsgd
from hsgd import dataset
from tests import mutations
from tests.catalogue import things


def complaints(count):
    table = mutations.campaign(count)
    bad = {
        f"{name}: {outcome}": number
        for name, outcomes in table.items()
        for outcome, number in outcomes.items()
        if not mutations.allowed(outcome)
    }
    return sum(sum(outcomes.values()) for outcomes in table.values()), bad


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_ten_thousand_spoiled_files():
    number, bad = complaints(770)
    assert number >= 10_000
    assert not bad


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_few_hundred_spoiled_files_in_this_process(tmp_path, monkeypatch):
    """Those whose checksum is wrong never reach the HDF5 library, so no other process is needed."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "files"
    place.mkdir()
    dataset.save(things()["theory"], place / "theory.nc")
    np.savez(place / "data.npz", A=things()["A"], b=things()["b"], ridge=0.1)
    for name, reader in (
        ("theory.nc", mutations.read_dataset),
        ("data.npz", mutations.read_command_line),
    ):
        good = reader(place / name)
        content = (place / name).read_bytes()
        spoiled = place / f"spoiled.{name}"
        refusals = []
        for one in mutations.variants(content, 200, 1, resealed=False):
            spoiled.write_bytes(one)
            try:
                answer = reader(spoiled)
            except (ValueError, TypeError, OSError, MemoryError) as error:
                refusals.append(str(error))
            else:
                assert mutations.same(good, answer)
        assert len(refusals) > 100
        assert all(text.endswith(".") and "\n" not in text for text in refusals)
    assert not (tmp_path / "executed").exists()


def test_the_campaign_notices():
    """Data that are other ones, and pickles: the controls of this file."""
    content = b"0123456789" * 20
    generator = np.random.default_rng(0)
    changed = [m(content, generator) != content for m in mutations.MUTATIONS for _ in range(20)]
    assert np.mean(changed) > 0.9
    assert not mutations.allowed("OTHER DATA")
    assert not mutations.allowed("HANG")
    theory = things()["theory"]
    assert not mutations.same(theory, theory * 2)


def test_a_pickle_would_have_been_executed(tmp_path, monkeypatch):
    """The malicious file is one: NumPy with allow_pickle does what it says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.npz").write_bytes(mutations.foreign()["objects in npz"])
    with np.load("evil.npz", allow_pickle=True) as file:
        file["A"]
    assert (tmp_path / "executed").is_dir()
    with pytest.raises(FileExistsError):
        pickle.loads(pickle.dumps(mutations.Malice()))


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
