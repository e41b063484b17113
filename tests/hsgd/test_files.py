"""Trees and Zarr folders: round trips that lose nothing, damage and foreign data refused."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import hsgd
import simulate
import validation
from hsgd import dataset
from hsgd.dataset import zarr_folder
from tests.tools import spoiling

FORMS = ("x.nc", "x.zarr")


@pytest.fixture(scope="module")
def curves():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((40, 20)) / np.sqrt(20)
    problem = hsgd.LeastSquares(A, A.sum(axis=1) + 0.1 * rng.standard_normal(40), ridge=0.1)
    sgd = hsgd.SGD(0.3)
    theory = hsgd.predict(problem, sgd, np.linspace(0, 3, 13))
    runs = simulate.sgd(problem, sgd, theory.time, num_replicates=16, seed=0)
    found = validation.compare(theory, runs, discrepancy=0.3)
    return {"theory": theory, "simulation": runs, "comparison": found}


@pytest.fixture
def awkward(curves):
    """Everything that a careless format would change."""
    time = curves["theory"].sizes["time"]
    return curves["theory"].assign(
        zeros=("time", np.full(time, -0.0)),
        infinite=("time", np.where(np.arange(time) < 5, np.inf, np.nan)),
        single=("time", np.arange(time, dtype=np.float32)),
        small=("time", np.arange(time, dtype=np.int8)),
        text=("word", np.array(["ein", "für", "allemal"])),
        nothing=("none", np.array([], "<U1")),
        scalar=np.float64(1.5),
    ).assign_coords(name=("word", np.array(["a", "b", "cc"]))).assign_attrs(
        large=2**62, tiny=5e-324, infinity=float("inf"), words="à la"
    )  # fmt: skip


def assert_the_same(one, other):
    """`identical`, and what it forgives: order, data types, signs of zero, types of attributes."""
    xr.testing.assert_identical(one, other)
    assert list(one.data_vars) == list(other.data_vars)
    assert list(one.coords) == list(other.coords)
    assert [(k, type(v)) for k, v in one.attrs.items()] == [
        (k, type(v)) for k, v in other.attrs.items()
    ]
    for name in one.variables:
        assert one[name].dtype == other[name].dtype
        assert one[name].values.tobytes() == other[name].values.tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_a_dataset_comes_back_bit_for_bit(awkward, tmp_path, form):
    loaded = dataset.load(dataset.save(awkward, tmp_path / form))
    assert_the_same(loaded, awkward)
    assert all(not variable.encoding for variable in loaded.variables.values())


@pytest.mark.parametrize("form", FORMS)
def test_a_tree_comes_back_bit_for_bit(curves, tmp_path, form):
    case = dataset.tree(curves, title="a case")
    many = dataset.tree({"second/of two": case, "a/theory": curves["theory"]})
    loaded = dataset.load_tree(dataset.save(many, tmp_path / form))
    assert loaded.groups == many.groups
    for path in many.groups:
        assert_the_same(
            loaded[path].to_dataset(inherit=False), many[path].to_dataset(inherit=False)
        )


@pytest.mark.parametrize("form", FORMS)
def test_datasets_and_trees_are_not_mistaken_for_each_other(curves, tmp_path, form):
    path = dataset.save(curves["theory"], tmp_path / form)
    with pytest.raises(ValueError, match=r"single dataset: read it with hsgd\.dataset\.load"):
        dataset.load_tree(path)
    dataset.save(dataset.tree(curves), path)
    with pytest.raises(ValueError, match=r"holds a tree .*load_tree"):
        dataset.load(path)


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({}, "needs named datasets"),
        ([1], "needs named datasets"),
        ({"a": xr.Dataset({"v": 1.0})}, "a cannot be part of a tree: the attributes"),
        ({"/": xr.Dataset()}, "cannot name a group"),
        ({3: xr.Dataset()}, "cannot name a group"),
        ({"a": "theory.nc"}, "this is a str"),
    ],
)
def test_bad_trees_get_one_sentence(datasets, message):
    with pytest.raises((TypeError, ValueError), match=message):
        dataset.tree(datasets)


def test_check_says_where_in_a_tree_something_is_wrong(curves):
    case = dataset.tree(curves)
    assert dataset.check(case) is None
    case["theory"] = xr.DataTree(curves["theory"].drop_vars("iteration"))
    assert dataset.check(case).startswith("in /theory: the coordinates time and iteration")
    assert "hsgd.dataset.tree" in dataset.check(xr.DataTree(curves["theory"]))


def test_other_programs_read_the_folder_and_check_it(awkward, tmp_path):
    path = dataset.save(awkward, tmp_path / "x.zarr")
    with xr.open_zarr(path, decode_times=False) as plain:
        xr.testing.assert_equal(plain.load(), awkward)
    if shutil.which("sha256sum"):
        subprocess.run(
            ["sha256sum", "--strict", "--status", "-c", zarr_folder.MANIFEST], cwd=path, check=True
        )


def test_a_folder_is_replaced_whole(curves, awkward, tmp_path):
    path = dataset.save(awkward, tmp_path / "x.zarr")
    dataset.save(curves["theory"], path)
    assert_the_same(dataset.load(path), curves["theory"])
    assert os.listdir(tmp_path) == ["x.zarr"]


@pytest.mark.parametrize("culprit", ["fsync", "rename"])
def test_a_failed_write_leaves_the_old_folder(curves, awkward, tmp_path, monkeypatch, culprit):
    path = dataset.save(awkward, tmp_path / "x.zarr")
    real = getattr(os, culprit)

    def full_disk(*arguments, **options):
        if culprit == "rename" and not str(arguments[0]).endswith(".part"):
            return real(*arguments, **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, culprit, full_disk)
    with pytest.raises(OSError, match=r"free some space.*unchanged"):
        dataset.save(curves["theory"], path)
    monkeypatch.undo()
    assert_the_same(dataset.load(path), awkward)
    assert os.listdir(tmp_path) == ["x.zarr"]


def test_a_save_that_was_killed_between_its_renames_is_found(curves, tmp_path, monkeypatch):
    path = dataset.save(curves["theory"], tmp_path / "x.zarr")
    renamed = []
    real = os.rename

    def killed(old, new):
        if renamed:
            raise KeyboardInterrupt
        renamed.append(new)
        real(old, new)

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        dataset.save(curves["simulation"], path)
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError, match="interrupted save has left") as caught:
        dataset.load(path)
    assert str(renamed[0]) in str(caught.value)
    real(renamed[0], path)
    assert_the_same(dataset.load(path), curves["theory"])


@pytest.mark.parametrize("form", FORMS)
def test_any_changed_byte_is_noticed(curves, tmp_path, form):
    path = dataset.save(dataset.tree(curves), tmp_path / form)
    files = sorted(p for p in [path, *path.rglob("*")] if p.is_file())
    rng = np.random.default_rng(0)
    for file in [files[i] for i in rng.integers(len(files), size=40)]:
        content = file.read_bytes()
        mutated = bytearray(content)
        mutated[rng.integers(len(content))] ^= int(rng.integers(1, 256))
        file.write_bytes(mutated)
        with pytest.raises(ValueError, match=r"checksum|manifest"):
            dataset.load_tree(path)
        file.write_bytes(content)
    dataset.load_tree(path)


def test_missing_additional_and_foreign_files_are_refused(curves, tmp_path):
    path = dataset.save(curves["theory"], tmp_path / "x.zarr")
    chunk = path / "empirical_risk" / "c" / "0"
    content = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(ValueError, match="damaged"):
        dataset.load(path)
    chunk.write_bytes(content)
    (path / "more").write_text("x")
    with pytest.raises(ValueError, match="damaged"):
        dataset.load(path)
    (path / "more").unlink()
    dataset.load(path)
    for bytes_ in (None, b"", b"\xff\xfe", (path / zarr_folder.MANIFEST).read_bytes()[:300]):
        (path / zarr_folder.MANIFEST).unlink()
        if bytes_ is not None:
            (path / zarr_folder.MANIFEST).write_bytes(bytes_)
        with pytest.raises(ValueError, match=r"damaged|no readable manifest"):
            dataset.load(path)
        (path / zarr_folder.MANIFEST).write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        dataset.load(tmp_path / "nowhere.zarr")


def test_codecs_that_could_run_something_are_never_decoded(curves, tmp_path):
    path = dataset.save(curves["theory"], tmp_path / "x.zarr")
    metadata = path / "time" / "zarr.json"
    content = json.loads(metadata.read_text())
    content["codecs"].insert(0, {"name": "numcodecs.pickle"})
    metadata.write_text(json.dumps(content))
    (path / zarr_folder.MANIFEST).unlink()
    zarr_folder._seal(path, xr.DataTree(curves["theory"]))  # whole, but not what we write
    with pytest.raises(ValueError, match=r"encoding 'numcodecs\.pickle'"):
        dataset.load(path)


def test_folders_with_the_right_manifest_that_are_none_of_ours(curves, tmp_path):
    path = dataset.save(curves["theory"], tmp_path / "x.zarr")
    for content in ("", "[" * 100_000, '{"zarr_format": 3}'):
        (path / "time" / "zarr.json").write_text(content)
        (path / "zarr.json").write_text(content)
        spoiling.seal_folder(path)
        with pytest.raises(ValueError, match=r"but is no Zarr folder of ours \(\w+\): .*\.$"):
            dataset.load(path)
    (path / zarr_folder.MANIFEST).unlink()
    os.mkfifo(path / zarr_folder.MANIFEST)  # opened, it would wait for a writer for ever
    with pytest.raises(ValueError, match="no readable manifest"):
        dataset.load(path)


def test_a_folder_of_something_else_is_not_replaced(curves, tmp_path):
    (tmp_path / "x.zarr").mkdir()
    (tmp_path / "x.zarr" / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match="was not written by hsgd: choose another name"):
        dataset.save(curves["theory"], tmp_path / "x.zarr")
    with pytest.raises(FileNotFoundError, match="make it first"):
        dataset.save(curves["theory"], tmp_path / "missing" / "x.zarr")


def test_without_zarr_a_sentence_says_what_to_install(curves, tmp_path, monkeypatch):
    path = dataset.save(curves["theory"], tmp_path / "x.zarr")
    monkeypatch.setitem(sys.modules, "zarr", None)
    for call in (lambda: dataset.save(curves["theory"], path), lambda: dataset.load(path)):
        with pytest.raises(ImportError, match=r"pip install 'hsgd\[zarr\]'"):
            call()
    dataset.save(curves["theory"], tmp_path / "x.nc")


def test_what_killed_saves_have_left_is_swept_up(curves, tmp_path):
    old, fresh = (tmp_path / f".x.zarr.{name}.part" for name in ("old", "fresh"))
    for folder in (old, fresh):
        folder.mkdir()
        (folder / "zarr.json").write_text("{")
    os.utime(old, (0, 0))
    dataset.save(curves["theory"], tmp_path / "x.zarr")
    assert not old.exists()
    assert fresh.exists()


def test_a_full_disk_leaves_no_part_behind(curves, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zarr_folder, "_seal", full)
    with pytest.raises(OSError, match="could not be written"):
        dataset.save(curves["theory"], tmp_path / "x.zarr")
    assert list(tmp_path.iterdir()) == []


REPLACING = """
import sys
from hsgd import dataset
from hsgd.dataset import zarr_folder

data = dataset.load(sys.argv[1])
print("ready", flush=True)
for _ in range(25):
    dataset.save(data, sys.argv[1])
"""


def test_a_folder_can_be_read_while_another_process_replaces_it(curves, tmp_path):
    path = dataset.save(curves["theory"], tmp_path / "x.zarr")
    home = os.path.dirname(os.path.dirname(hsgd.__file__))
    with subprocess.Popen(
        [sys.executable, "-c", REPLACING, str(path)],
        env={**os.environ, "PYTHONPATH": home}, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout.readline() == b"ready\n"
        count = 0
        while other.poll() is None:
            xr.testing.assert_identical(dataset.load(path), curves["theory"])
            count += 1
    assert other.returncode == 0
    assert count > 3


def test_a_folder_that_is_replaced_while_it_is_read_is_read_again(curves, tmp_path, monkeypatch):
    path = dataset.save(curves["theory"], tmp_path / "x.zarr")
    once, tries = zarr_folder._read_once, []

    def replaced_meanwhile(source):
        tries.append(source)
        if len(tries) == 1:
            dataset.save(curves["theory"], path)
            raise ValueError("half of one and half of the next")
        return once(source)

    monkeypatch.setattr(zarr_folder, "_read_once", replaced_meanwhile)
    xr.testing.assert_identical(dataset.load(path), curves["theory"])
    assert len(tries) == 2
