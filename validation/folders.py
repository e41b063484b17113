"""Results on disk: a finished case is a folder with its datasets, its figure and its record.

The record (`record.nc`) is written last: a folder without one is not finished, and one whose
`configuration` differs was made by other code or with other settings. Both are run again; a folder
that fits is read instead. Every file is written to the side and renamed, so a killed run leaves
whole files only.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import hsgd
import simulate
import volterra
from hsgd import checks, dataset
from hsgd.dataset import provenance
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size

if TYPE_CHECKING:
    import xarray as xr

RECORD = "record.nc"
_LIBRARIES = ("numpy", "scipy", "numba", "xarray")
_PRESENTATION = ("__main__.py", "differences.py", "figures.py", "report.py", "report.css")
"""Files of this package that change how results look, not what they are."""


@dataclass(frozen=True)
class Settings:
    """With what a case is run."""

    case: Case
    size_name: str
    size: Size
    seed: int

    @property
    def configuration(self) -> str:
        """SHA-256 of all that decides the result: case, size, seed, and the code itself."""
        words = json.dumps([self.case.name, dict(self.size), self.seed], sort_keys=True)
        return hashlib.sha256((words + _code(self.case.name)).encode()).hexdigest()

    @property
    def command(self) -> str:
        """What repeats it."""
        command = f"hsgd validate {self.case.name} --size {self.size_name}"
        if self.size != self.case.sizes[self.size_name]:
            command += f" --replicates {self.size['replicates']}"
        return f"{command} --seed {self.seed} --out DIR"


@dataclass(frozen=True, eq=False)
class Result:
    """A finished case: its outcome, and the record of how it came about."""

    case: Case
    outcome: Outcome
    record: xr.Dataset
    folder: Path | None
    reused: bool = False

    @property
    def seconds(self) -> float:
        """How long the case took when it ran."""
        return float(self.record.attrs["seconds"])


@cache
def _code(name: str) -> str:
    """Digest of the sources of the four packages, without presentation and other cases."""
    digest = hashlib.sha256()
    others = [Path(inspect.getfile(package)).parent for package in (hsgd, simulate, volterra)]
    for home in (*others, Path(__file__).parent):
        for path in sorted(home.rglob("*.py")):
            inside = path.relative_to(home)
            if home.name == "validation" and not _matters(inside, path, name):
                continue
            digest.update(f"{home.name}/{inside}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _matters(inside: Path, path: Path, name: str) -> bool:
    if inside.name in _PRESENTATION:
        return False
    another_case = inside.parent.name == "cases" and b"\nCASE = Case(" in path.read_bytes()
    return not another_case or f'name="{name}"' in path.read_text(encoding="utf-8")


def complete(settings: Settings, folder: Path | None, say: Say) -> Result:
    """The result in `folder` if it is what `settings` would give, or else a run that is kept."""
    before = None if folder is None else _finished(settings, folder)
    if before is not None:
        say(f"{settings.case.name}: finished before, in {folder}; its datasets are read")
        return before
    began = time.perf_counter()
    outcome = settings.case.run(settings.size, seed=settings.seed, say=say)
    record = _record(settings, outcome, time.perf_counter() - began)
    if folder is not None:
        record = _keep(outcome, record, folder)
    return Result(settings.case, outcome, record, folder)


def _finished(settings: Settings, folder: Path) -> Result | None:
    try:
        record = dataset.load(folder / RECORD)
        if record.attrs.get("configuration") != settings.configuration:
            return None
        return Result(settings.case, _outcome(record, folder), record, folder, reused=True)
    except (OSError, ValueError):
        # Cut short or damaged: as if it had never been.
        return None


def _keep(outcome: Outcome, record: xr.Dataset, folder: Path) -> xr.Dataset:
    """Write all, the record last, with the checksums of the others; gives that record."""
    (folder / RECORD).unlink(missing_ok=True)
    checksums = {
        name: _checksum(dataset.save(data, folder / f"{name}.nc"))
        for name, data in outcome.datasets.items()
    }
    record = record.assign_attrs(checksums=json.dumps(checksums))
    dataset.save(record, folder / RECORD)
    return record


def _checksum(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def kept(record: xr.Dataset, folder: Path, name: str) -> xr.Dataset:
    """A dataset of a finished case, if it is the one that was written with the record.

    Raises
    ------
    FileNotFoundError, ValueError
        If it is not there, damaged, or another case's or run's.
    """
    path = folder / f"{name}.nc"
    data = dataset.load(path)
    # Records of earlier versions have no checksums: of those, each file still has its own.
    checksums = json.loads(record.attrs.get("checksums", "{}"))
    if checksums and checksums.get(name) != _checksum(path):
        raise ValueError(
            f"{path} is whole, but is not the file that was written with {folder / RECORD}: "
            "restore it from a copy, or run the case again."
        )
    return data


def _record(settings: Settings, outcome: Outcome, seconds: float) -> xr.Dataset:
    import xarray as xr

    checks, numbers = outcome.checks, outcome.numbers
    columns = {
        "verdict": ("check", [check.verdict for check in checks]),
        "agrees": ("check", np.array([check.agrees for check in checks], np.int8)),
        "expected": ("check", np.array([check.expected for check in checks], np.int8)),
        "control": ("check", np.array([check.control for check in checks], np.int8)),
        "value": ("number", np.array([number.value for number in numbers], float)),
        "standard_error": ("number", np.array([n.standard_error for n in numbers], float)),
    }
    labels = {
        "check": ("check", [check.label for check in checks]),
        "number": ("number", [number.name for number in numbers] or np.array([], "<U1")),
    }
    now = datetime.now(UTC).isoformat(timespec="seconds")
    version = provenance.version()
    title = f"case {settings.case.name}"
    return xr.Dataset(
        {name: (dim, values, _described(name)) for name, (dim, values) in columns.items()},
        coords={name: (dim, values, _described(name)) for name, (dim, values) in labels.items()},
        attrs={
            "Conventions": dataset.CONVENTIONS,
            "schema_version": dataset.SCHEMA_VERSION,
            "source": "case",
            "title": title,
            "created_at": now,
            "hsgd_version": version,
            "history": f"{now} hsgd {version}: {title}",
            "case": settings.case.name,
            "question": settings.case.question,
            "passed": int(outcome.passed),
            "size_name": settings.size_name,
            "size": json.dumps(dict(settings.size)),
            "seed": str(settings.seed),
            "configuration": settings.configuration,
            "command": settings.command,
            "seconds": seconds,
            "versions": json.dumps(_versions()),
            "datasets": json.dumps(list(outcome.datasets)),
        },
    )


def _described(name: str) -> dict[str, str]:
    return {"units": "1", "long_name": name.replace("_", " ")}


def _versions() -> dict[str, str]:
    libraries = {name: metadata.version(name) for name in _LIBRARIES}
    return {"hsgd": provenance.version(), "python": platform.python_version(), **libraries}


def _outcome(record: xr.Dataset, folder: Path) -> Outcome:
    names = json.loads(record.attrs["datasets"])
    datasets: Datasets = {name: kept(record, folder, name) for name in names}
    return Outcome(checks_of(record), datasets, numbers_of(record))


def records(folder: str | os.PathLike[str]) -> dict[str, tuple[Path, xr.Dataset]]:
    """Case → its folder and record, for all results in a folder and below.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no result, or a damaged one.
    """
    paths = sorted(checks.path("folder", folder).rglob(RECORD))
    if not paths:
        raise FileNotFoundError(
            f"there is no result in {folder}: pass a folder that `hsgd validate CASE --out` wrote."
        )
    loaded = [(path.parent, _record_in(path)) for path in paths]
    return {record.attrs["case"]: (home, record) for home, record in loaded}


def _record_in(path: Path) -> xr.Dataset:
    record = dataset.load(path)
    if record.attrs["source"] != "case":
        raise ValueError(
            f"{path} is a dataset of another kind ({record.attrs['source']}): restore the record "
            "from a copy, or run the case again."
        )
    return record


def load(folder: str | os.PathLike[str]) -> xr.DataTree:
    """A folder that `hsgd validate` wrote, as one tree.

    Parameters
    ----------
    folder
        Of one case or of many.

    Returns
    -------
    xarray.DataTree
        Groups `record` (verdicts and numbers) and what the case keeps: as a rule `theory`,
        `simulation` and `comparison`. Of a folder of many cases, a tree of such trees.
        `hsgd.dataset.save` keeps it in one file.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder holds no result, or a damaged one.
    """
    cases = {
        name: dataset.tree(
            {"record": record, **_outcome(record, home).datasets}, title=record.attrs["title"]
        )
        for name, (home, record) in records(folder).items()
    }
    if (Path(folder) / RECORD).is_file() and len(cases) == 1:
        return next(iter(cases.values()))
    return dataset.tree(cases, title="cases of validation")


def checks_of(record: xr.Dataset) -> tuple[Check, ...]:
    """The checks of a record."""
    names = ("check", "verdict", "agrees", "expected", "control")
    columns = [record[name].values.tolist() for name in names]
    return tuple(
        Check(str(label), str(verdict), *map(bool, kind))
        for label, verdict, *kind in zip(*columns, strict=True)
    )


def numbers_of(record: xr.Dataset) -> tuple[Number, ...]:
    """The numbers of a record."""
    columns = [record[name].values.tolist() for name in ("number", "value", "standard_error")]
    return tuple(Number(str(name), *rest) for name, *rest in zip(*columns, strict=True))
