"""The dataset: one written schema for theory, exact mean and simulation, and its files.

Schema (version 1; the docs' page "dataset schema" says the same at length)
- dims: `time`; `replicate` only where there are runs.
- coords: `time` (the caller's array, bit for bit), `iteration` (int64, rint(time·n), with d for
  n when rows are streamed), `epoch` (rows drawn/n), `learning_rate` (its value at that
  iteration) and, where it changes, `batch_size`.
- variables: the same name means the same quantity in the same units, whatever the source. Suffixes
  `_gradient_flow`, `_error`, `_standard_deviation`, `_standard_error`, `_lower`, `_upper`.
- attrs: `Conventions`, `schema_version`, `source`, `problem` and `algorithm` (JSON), and more.
Everything that needs a time grid, in theory and simulation alike, takes it from `Grid`.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms import SGD, Algorithm, StreamingSGD
from hsgd.checks import Array, is_swept
from hsgd.problems import LeastSquares, Problem
from hsgd.schedules import check_times

if TYPE_CHECKING:
    import xarray as xr

SCHEMA_VERSION = 1
CONVENTIONS = "CF-1.11 ACDD-1.3"
SOURCES = (
    "theory",
    "exact_mean",
    "diffusion",
    "simulation",
    "comparison",
    "diagnosis",
    "limits",
    "case",
)
_REQUIRED = ("Conventions", "schema_version", "source", "hsgd_version", "created_at")
# HDF5 readers ignore what follows the end of their data, so a file can end in its own checksum.
_MARK = b"\nhsgd-sha256:"
_TRAILER = len(_MARK) + 64


@dataclass(frozen=True, eq=False)
class Grid:
    """Where curves are evaluated: the caller's times and the iterations they stand for."""

    time: Array
    iteration: NDArray[np.int64]
    unique: NDArray[np.int64]
    """The different iterations, ascending."""
    positions: NDArray[np.int64]
    """`unique[positions]` is `iteration`: how a curve on `unique` becomes one on `time`."""


def time_grid(time: Any, per_unit: int) -> Grid:
    """The grid of `time` in units of `per_unit` iterations: iteration = rint(time · per_unit).

    Raises
    ------
    TypeError, ValueError
        If the times are unsorted, negative, not finite, or count more than 2⁶² iterations.
    """
    times = check_times(time)
    scaled = np.rint(times * per_unit)
    if scaled[-1] > 2.0**62:
        raise ValueError(
            f"time ends at {times[-1]:g}, which is more than 2^62 iterations: shorten it."
        )
    iteration = scaled.astype(np.int64)
    unique, positions = np.unique(iteration, return_inverse=True)
    return Grid(times, iteration, unique, positions)


def check_setting(
    problem: Any,
    algorithm: Any,
    *,
    problems: tuple[type, ...] = (LeastSquares,),
    algorithms: tuple[type[Algorithm], ...] = (SGD,),
    batch_schedules: bool = False,
    sparse: bool = False,
) -> None:
    """Refuse what a verb cannot do with a problem and an algorithm, before any work.

    Parameters
    ----------
    problems, algorithms
        The nouns that the verb knows.
    batch_schedules
        Whether it knows batch sizes that change over time.
    sparse
        Whether it takes a sparse A.

    Raises
    ------
    TypeError
        With the noun to pass instead.
    ValueError
        If a batch without replacement is larger than the number of rows, or changes over time
        where it must not.
    """
    if not isinstance(problem, problems):
        raise TypeError(f"the problem is a {type(problem).__name__}: {_remedy(problem, problems)}.")
    fresh = not isinstance(problem, LeastSquares)
    fitting = tuple(kind for kind in algorithms if issubclass(kind, StreamingSGD) == fresh)
    if not isinstance(algorithm, fitting):
        names = " or ".join(f"hsgd.{kind.__name__}(learning_rate)" for kind in fitting)
        if isinstance(algorithm, Algorithm):
            raise TypeError(
                f"{type(algorithm).__name__} on {type(problem).__name__} is not what this verb "
                f"knows: pass {names}, " + (_SAMPLE if fresh else _STREAM)
            )
        raise TypeError(f"the algorithm is a {type(algorithm).__name__}: pass {names}.")
    for noun in (problem, algorithm):
        for name in ("ridge", "learning_rate", "batch_size"):
            if is_swept(getattr(noun, name, None)):
                raise TypeError(
                    f"{name} is swept (an xarray.DataArray), but this takes one setting at a time: "
                    "pass one number."
                )
    if isinstance(problem, LeastSquares):
        algorithm.check_batch(problem.num_rows)
        if problem.is_sparse and not sparse:
            raise TypeError(
                "A must be a dense array for this verb, but it is sparse: "
                "make the problem with A.toarray()."
            )
    if algorithm.has_batch_schedule and not batch_schedules:
        raise ValueError(
            "batch_size changes over time, which this verb cannot follow yet: pass one integer."
        )


_SAMPLE = "or draw rows to pass over many times by problem.sample(n, seed)."
_STREAM = "or stream fresh rows of a hsgd.GaussianRows."


def _remedy(problem: Any, problems: tuple[type, ...]) -> str:
    names = " or ".join(f"hsgd.{kind.__name__}" for kind in problems)
    if hasattr(problem, "given_weights"):
        return f"pass a {names}, for example problem.given_weights(seed), or .sample(n, seed)"
    if hasattr(problem, "gaussian_equivalent"):
        return f"pass a {names}, for example problem.gaussian_equivalent(), or .sample(n, seed)"
    if hasattr(problem, "sample"):
        return f"pass a {names} (a population becomes a LeastSquares by .sample(n, seed))"
    return f"pass a {names}"


def assemble(
    grid: Grid,
    problem: Problem,
    algorithm: Algorithm,
    variables: Mapping[str, tuple[tuple[str, ...], Any, str]],
    attrs: Mapping[str, Any],
    coords: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Put curves on `grid.unique` into a dataset on the caller's times.

    Parameters
    ----------
    variables
        name → (dims, values, long_name); values along a `time` dim are given on `grid.unique`.
    attrs
        From `provenance.attributes`, with what the caller adds.
    coords
        Further coordinates.
    """
    import xarray as xr

    data = {}
    for name, (dims, values, long_name) in variables.items():
        array = np.asarray(values)
        if "time" in dims:
            array = np.take(array, grid.positions, axis=dims.index("time"))
        data[name] = xr.Variable(dims, array, {"units": "1", "long_name": long_name})
    dataset = xr.Dataset(data, attrs=with_schema(attrs))
    dataset = dataset.assign_coords({**_time_coords(grid, problem, algorithm), **(coords or {})})
    return dataset


def _time_coords(grid: Grid, problem: Problem, algorithm: Algorithm) -> dict[str, Any]:
    per_unit = problem.iterations_per_unit
    rates = algorithm.schedule(grid.iteration / per_unit)
    epochs = algorithm.rows_drawn(grid.iteration, per_unit) / per_unit
    streamed = not isinstance(problem, LeastSquares)
    unit = "d" if streamed else "n"
    words = "fresh rows drawn / d" if streamed else "passes over the data"

    def coord(values: Any, units: str, long_name: str) -> tuple[str, Any, dict[str, str]]:
        return "time", values, {"units": units, "long_name": long_name}

    coords = {
        "time": coord(np.array(grid.time), "1", f"time (iterations / {unit} = {per_unit})"),
        "iteration": coord(np.array(grid.iteration), "1", "iteration"),
        "epoch": coord(epochs, "1", words),
        "learning_rate": coord(rates, "1", "learning rate"),
    }
    if algorithm.has_batch_schedule:
        sizes = algorithm.batch_sizes(grid.iteration / per_unit)
        coords["batch_size"] = coord(sizes, "1", "batch size")
    return coords


def with_schema(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with the name and version of this schema in front."""
    return {"Conventions": CONVENTIONS, "schema_version": SCHEMA_VERSION, **attrs}


def scalars(values: Mapping[str, tuple[Any, str]], attrs: Mapping[str, Any]) -> xr.Dataset:
    """A dataset of scalars: name → (value, long_name)."""
    import xarray as xr

    data = {
        name: xr.Variable((), value, {"units": "1", "long_name": long_name})
        for name, (value, long_name) in values.items()
    }
    return xr.Dataset(data, attrs=with_schema(attrs))


def check(dataset: Any) -> str | None:
    """What is wrong with a dataset, in one sentence; None if it follows the schema."""
    import xarray as xr

    if not isinstance(dataset, xr.Dataset):
        return f"this is a {type(dataset).__name__}, not an xarray.Dataset."
    missing = [name for name in _REQUIRED if name not in dataset.attrs]
    if missing:
        return (
            f"the attributes {', '.join(missing)} are missing: this dataset was not made by hsgd."
        )
    if int(dataset.attrs["schema_version"]) > SCHEMA_VERSION:
        return (
            f"its schema version is {dataset.attrs['schema_version']}, newer than "
            f"{SCHEMA_VERSION}: update hsgd to read it."
        )
    if dataset.attrs["source"] not in SOURCES:
        return f"its source is {dataset.attrs['source']!r}, which is none of {', '.join(SOURCES)}."
    return _check_contents(dataset)


def _check_contents(dataset: xr.Dataset) -> str | None:
    for name, value in dataset.attrs.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | np.number):
            return f"the attribute {name} is a {type(value).__name__}: write it as a JSON string."
    for name, variable in dataset.variables.items():
        if variable.dtype.kind not in "iufU" and variable.dtype != object:
            return f"the variable {name} has data type {variable.dtype}, which files cannot keep."
    if "time" in dataset.dims:
        if "iteration" not in dataset.coords or "time" not in dataset.coords:
            return "the coordinates time and iteration belong together, but one is missing."
        if not np.issubdtype(dataset.iteration.dtype, np.integer):
            return "the coordinate iteration must hold integers."
        if (np.diff(dataset.time.values) <= 0).any():
            return "the coordinate time does not increase."
    return None


def save(dataset: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write a dataset to NetCDF, atomically: the file is complete and new, or as it was before.

    Raises
    ------
    ValueError
        If the dataset does not follow the schema.
    OSError
        If the place cannot be written; the message names it.
    """
    problem = check(dataset)
    if problem is not None:
        raise ValueError(f"the dataset cannot be saved: {problem}")
    target = check_writable(path)
    content = _netcdf(dataset)
    write_atomically(target, content + _MARK + _checksum(content))
    return target


def write_atomically(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file so that it is complete and new, or as it was before.

    Raises
    ------
    OSError
        If the disk is full or the place cannot be written; the message names it.
    """
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
        try:
            with open(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(handle)
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
    except OSError as error:
        raise OSError(
            f"{target} could not be written ({error}): free some space or choose another place; "
            "what was there before is unchanged."
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _netcdf(dataset: xr.Dataset) -> bytes:
    """The file, made in memory: HDF5 fails on a full disk where none can catch it."""
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        numeric = variable.dtype.kind in "iuf"
        options: dict[str, Any] = {"fletcher32": True} if variable.ndim and numeric else {}
        if variable.dtype.kind == "f":
            options["_FillValue"] = None
        encoding[str(name)] = options
    return bytes(dataset.to_netcdf(engine="h5netcdf", encoding=encoding))


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a dataset that `save` wrote, into memory, and check that it is complete and unchanged.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a NetCDF file of ours, or its content is damaged.
    """
    import xarray as xr

    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"there is no file {source}: check the path.")
    content = source.read_bytes()
    body, trailer = content[:-_TRAILER], content[-_TRAILER:]
    if not trailer.startswith(_MARK):
        raise ValueError(
            f"{source} does not end in hsgd's checksum: it is cut short or was written by another "
            "program; pass a file written by hsgd.dataset.save."
        )
    if trailer != _MARK + _checksum(body):
        raise ValueError(
            f"{source} is damaged: its content does not match its checksum; restore it from a "
            "copy or compute it again."
        )
    with xr.open_dataset(io.BytesIO(body), engine="h5netcdf", decode_times=False) as opened:
        dataset = opened.load()
    problem = check(dataset)
    if problem is not None:
        raise ValueError(f"{source} is not a dataset of ours: {problem}")
    return _plain_attributes(dataset)


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _plain_attributes(dataset: xr.Dataset) -> xr.Dataset:
    for attrs in (dataset.attrs, *(variable.attrs for variable in dataset.variables.values())):
        for name, value in attrs.items():
            if isinstance(value, np.generic):
                attrs[name] = value.item()
    for variable in dataset.variables.values():
        variable.encoding = {}
    dataset.encoding = {}
    return dataset


def check_writable(path: str | os.PathLike[str]) -> Path:
    """The path, if a file can be made there; called before long work starts.

    Raises
    ------
    OSError
        If its folder does not exist or cannot be written, or the path is a folder.
    """
    target = Path(path)
    folder = target.parent
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: add a file name, for example theory.nc.")
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder {folder} does not exist: make it first.")
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise type(error)(
            f"{target} cannot be written, because its folder refuses new files ({error}): choose "
            "another place."
        ) from error
    return target
