"""Ways to spoil a file, or a folder of files.

A file is flipped, cut, stretched, shuffled, zeroed, or replaced by something foreign. In a folder
this happens to one of the files, or files are lost, renamed, exchanged, or join it.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np


class Malice:
    """Unpickling it makes a file called `executed`."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


def _positions(generator: np.random.Generator, size: int, count: int) -> Any:
    return generator.integers(0, max(size, 1), count)


def flip(content: bytes, generator: np.random.Generator) -> bytes:
    data = np.frombuffer(content, np.uint8).copy()
    count = int(generator.choice([1, 1, 1, 2, 8, 64]))
    data[_positions(generator, len(data), count)] ^= np.uint8(1 << generator.integers(0, 8))
    return data.tobytes()


def overwrite(content: bytes, generator: np.random.Generator) -> bytes:
    data = np.frombuffer(content, np.uint8).copy()
    at, count = int(_positions(generator, len(data), 1)[0]), int(generator.integers(1, 64))
    part = data[at : at + count]
    part[:] = generator.choice([0, 255, generator.integers(0, 256)])
    return data.tobytes()


def truncate(content: bytes, generator: np.random.Generator) -> bytes:
    return content[: int(generator.integers(0, len(content)))]


def insert(content: bytes, generator: np.random.Generator) -> bytes:
    at = int(generator.integers(0, len(content)))
    return content[:at] + generator.bytes(int(generator.integers(1, 200))) + content[at:]


def delete(content: bytes, generator: np.random.Generator) -> bytes:
    at, count = int(generator.integers(0, len(content))), int(generator.integers(1, 200))
    return content[:at] + content[at + count :]


def swap(content: bytes, generator: np.random.Generator) -> bytes:
    size = int(generator.integers(8, 512))
    a, b = sorted(int(k) for k in generator.integers(0, max(len(content) - size, 1), 2))
    if b < a + size:
        return flip(content, generator)
    one, other = content[a : a + size], content[b : b + size]
    return content[:a] + other + content[a + size : b] + one + content[b + size :]


def append(content: bytes, generator: np.random.Generator) -> bytes:
    return content + generator.bytes(int(generator.integers(1, 200)))


def repeat(content: bytes, generator: np.random.Generator) -> bytes:
    return content + content


def zero_tail(content: bytes, generator: np.random.Generator) -> bytes:
    at = int(generator.integers(0, len(content)))
    return content[:at] + bytes(len(content) - at)


MUTATIONS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    flip, overwrite, truncate, insert, delete, swap, append, repeat, zero_tail,
)  # fmt: skip


def endless(*, healthy: bool = False) -> bytes:
    """A NetCDF file, A = I and b = 1, on which the HDF5 library loops for ever.

    Sizes in the list of a global heap lead from one object to the next. The last becomes 0, unless
    the file is to be healthy.
    """
    import h5py

    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        file["A"], file["b"] = np.eye(3), np.ones(3)
        for name, dims in {"A": ("n", "d"), "b": ("n",)}.items():
            for axis, dim in enumerate(dims):
                if dim not in file:
                    file[dim] = np.arange(3)
                    file[dim].make_scale(dim)
                file[name].dims[axis].attach_scale(file[dim])
    content = bytearray(stored.getvalue())
    at = content.index(b"GCOL") + 16  # the header of the first object
    while int.from_bytes(content[at : at + 2], "little"):  # its number; 0 is the space left
        size = int.from_bytes(content[at + 8 : at + 16], "little")
        at += 16 + -(-size // 8) * 8
    if not healthy:
        content[at + 8 : at + 16] = bytes(8)
    return bytes(content)


def foreign() -> dict[str, bytes]:
    """Files of other programs."""
    import h5py

    bare = io.BytesIO()
    with h5py.File(bare, "w") as file:
        file["time"] = [1.0, 2.0]
    empty = io.BytesIO()
    with h5py.File(empty, "w"):
        pass
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("A.npy", "no array")
        zipped.writestr("../b.npy", "no array")
    bomb = io.BytesIO()
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': "
    header += b"(1099511627776, 4096), }"
    with zipfile.ZipFile(bomb, "w") as zipped:
        zipped.writestr("A.npy", header.ljust(127) + b"\n")
        zipped.writestr("b.npy", header.ljust(127) + b"\n")
    objects = io.BytesIO()
    np.savez(objects, A=np.array([Malice()], dtype=object), b=np.ones(1), configuration="x")
    return {
        "empty": b"",
        "text": b"time,risk\n0,1\n",
        "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "noise": np.random.default_rng(0).bytes(5000),
        "zeros": bytes(5000),
        "HDF5 of others": bare.getvalue(),
        "HDF5 that is read for ever": endless(),
        "empty HDF5": empty.getvalue(),
        "a zip of text": archive.getvalue(),
        "a zip of a huge header": bomb.getvalue(),
        "a pickle": pickle.dumps(Malice()),
        "objects in npz": objects.getvalue(),
        "NetCDF-3": b"CDF\x01" + bytes(100),
        "JSON": b'{"sha256": []}',
        "deep JSON": b"[" * 100_000,
    }


def seal(content: bytes) -> bytes:
    """The trailer that `hsgd.dataset.save` would write."""
    return content + b"\nhsgd-sha256:" + hashlib.sha256(content).hexdigest().encode()


def variants(content: bytes, count: int, seed: int, *, resealed: bool) -> Iterator[bytes]:
    """`count` spoiled versions of a file."""
    generator = np.random.default_rng(seed)
    body = content[: -(len(seal(b"")))] if resealed else content
    others = [seal(one) if resealed else one for one in foreign().values()]
    for k in range(count):
        if k < len(others):
            yield others[k]
            continue
        mutate = MUTATIONS[k % len(MUTATIONS)]
        spoiled = mutate(body, generator)
        if k % 5 == 0:
            spoiled = MUTATIONS[int(generator.integers(len(MUTATIONS)))](spoiled or b"x", generator)
        yield seal(spoiled) if resealed else spoiled


# --- folders ---


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _some(folder: Path, generator: np.random.Generator, count: int = 1) -> list[Path]:
    files = _files(folder)
    return [files[k] for k in generator.choice(len(files), min(count, len(files)), replace=False)]


def lose(folder: Path, generator: np.random.Generator) -> None:
    for path in _some(folder, generator, int(generator.choice([1, 1, 3]))):
        path.unlink()


def rename(folder: Path, generator: np.random.Generator) -> None:
    path = _some(folder, generator)[0]
    name = bytearray(path.name, "ascii")
    at = int(generator.integers(len(name)))
    name[at] = int(generator.choice(list(b"0123456789abcxyz-_")))
    os.replace(path, path.with_name(name.decode()))


def exchange(folder: Path, generator: np.random.Generator) -> None:
    one, other = (_some(folder, generator, 2) * 2)[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def duplicate(folder: Path, generator: np.random.Generator) -> None:
    one, other = (_some(folder, generator, 2) * 2)[:2]
    other.write_bytes(one.read_bytes())


def join(folder: Path, generator: np.random.Generator) -> None:
    strangers = list(foreign().values())
    name = str(generator.choice([".stranger", "stranger.nc", "finished-1.npz", "part-1.nc", "c/9"]))
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(strangers[int(generator.integers(len(strangers)))])


def displace(folder: Path, generator: np.random.Generator) -> None:
    path = _some(folder, generator)[0]
    path.unlink()
    match generator.integers(4):
        case 0:
            path.mkdir()
        case 1:
            path.symlink_to(path)
        case 2:
            os.mkfifo(path)
        case _:
            path.symlink_to("/dev/zero")


DISORDERS = (lose, rename, exchange, duplicate, join, displace)


def seal_folder(folder: Path) -> None:
    """The manifest that `hsgd.dataset.save` would write for what is in a Zarr folder now."""
    manifest = folder / "hsgd.sha256"
    before = [line[66:] for line in manifest.read_text().splitlines()]
    found = {path.relative_to(folder).as_posix() for path in _files(folder)} - {manifest.name}
    names = [name for name in before if name in found] + sorted(found - set(before))
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]
    lines = [f"{digest}  {name}\n" for digest, name in zip(digests, names, strict=True)]
    manifest.write_text("".join(lines))


def _spoil_folder(
    folder: Path, k: int, others: list[bytes], generator: np.random.Generator
) -> None:
    if k % 3 == 2:
        DISORDERS[k // 3 % len(DISORDERS)](folder, generator)
        return
    path = _some(folder, generator)[0]
    if k % 3 == 1 and k // 3 < len(others):
        path.write_bytes(others[k // 3])
    else:
        mutate = MUTATIONS[int(generator.integers(len(MUTATIONS)))]
        path.write_bytes(mutate(path.read_bytes() or b"x", generator))


def spoiled(
    good: Path, place: Path, count: int, seed: int, *, only: str | None = None, resealed: bool
) -> Iterator[Path]:
    """`count` spoiled versions of a file or folder, one at a time, in `place`.

    Parameters
    ----------
    only
        The one file of the folder to spoil.
    """
    target = place / good.name
    if good.is_file() or only is not None:
        content = (good / only if only else good).read_bytes()
        for version in variants(content, count, seed, resealed=resealed):
            copy(good, target)
            (target / only if only else target).write_bytes(version)
            yield target
        return
    generator, others = np.random.default_rng(seed), list(foreign().values())
    for k in range(count):
        copy(good, target)
        _spoil_folder(target, k, others, generator)
        manifest = target / "hsgd.sha256"
        if resealed and manifest.is_file():
            copy(good / manifest.name, manifest)
            seal_folder(target)
        yield target


def copy(good: Path, target: Path) -> Path:
    """A fresh copy of a file or a folder, in the place of an older one."""
    if good.is_file():
        return Path(shutil.copyfile(good, target))
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(good, target))
