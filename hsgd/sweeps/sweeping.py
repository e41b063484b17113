"""The verb for many settings, or many replicates: on all cores or a cluster, and never lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.checks import digest, integer
from hsgd.dataset import provenance
from hsgd.dataset.fingerprints import fingerprint
from hsgd.machine import clusters
from hsgd.machine.blas import single_threaded_blas
from hsgd.machine.progress import bar
from hsgd.nouns import fields_of, swept_fields
from hsgd.schedules import as_schedule, check_times
from hsgd.sweeps.broadcasting import Sweep, recorded
from hsgd.sweeps.parts import PartFiles, Parts
from hsgd.sweeps.stacking import joined, packed, unpacked

if TYPE_CHECKING:
    import xarray as xr

NUM_PIECES = 128
"""Pieces that a sweep is divided into, if it has so many members or runs: enough for a progress bar
and for restarts. The number of workers plays no part, so any other cluster can go on."""
_PROBES = 2**16
"""Times at which a schedule is compared with that of an earlier call."""


@dataclass(frozen=True)
class Piece:
    """Some members of a sweep, with all or some of their replicates."""

    members: range
    replicates: range | None


def sweep(
    verb: Callable[..., xr.Dataset],
    problem: Any,
    *arguments: Any,
    client: Any = None,
    folder: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    **options: Any,
) -> xr.Dataset:
    """`verb(problem, *arguments, **options)` for swept parameters or many replicates, in parallel.

    What is swept, the problem's `ridge`, the algorithm's `learning_rate`, `batch_size` or
    `momentum`, or a parameter of its schedule, is an `xarray.DataArray`; the result has its dims in
    front. Members and replicates are divided into pieces that run on the workers of a dask cluster,
    and are kept as files as soon as they are finished.

    Parameters
    ----------
    verb
        `hsgd.predict`, `limits`, `diagnose`, `exact_mean`, `exact_stability`, `simulate.sgd`,
        `simulate.diffusion`, or a function of yours that takes a problem and gives a dataset of
        the schema.
    problem, arguments, options
        What the verb takes.
    client
        A `distributed.Client`. By default a `LocalCluster` is started, a process with one thread
        for each core (extra `hsgd[distributed]`; without it all is done in this process, with a
        warning); a script must then call this under `if __name__ == "__main__":`. `False`: this
        process, one piece after the other.
    folder
        Where finished pieces are kept as part files. The same call, made again after the process
        was stopped in whatever way, computes what is missing. The folder belongs to one sweep:
        verb, problem, algorithm, times, options and version.
    progress
        Show a progress bar; None shows one on a terminal or in a notebook once the sweep has lasted
        two seconds.

    Returns
    -------
    xarray.Dataset
        What the verb gives, with the dims of the sweep in front of those of every variable, and
        the parameters as coordinates. The same bits whatever the cluster, and however often
        the sweep was stopped, on one machine with one set of library versions.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, nothing that is swept, a folder of another sweep, or a folder and no
        seed. What the verb raises for a member comes with the member's parameters; what was
        finished stays in the folder.
    OSError
        If the folder cannot be written at the start. Later failures are warnings.
    RuntimeError
        If workers die again and again.

    Warns
    -----
    UserWarning
        Once for all warnings of the members; for parts that are damaged, and computed again, or
        cannot be written.

    Notes
    -----
    The problem is decomposed once and goes with its decomposition to every worker, which then
    holds it twice (packed and unpacked). Random numbers are common to all members, as in calls with
    the same seed. Part files hold what the verb returned; `hsgd.dataset.load` opens them.

    References
    ----------
    Docs, page "Sweeps, on all cores or a cluster".

    Examples
    --------
    >>> import numpy as np, xarray as xr, hsgd
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50), noise=0.5)
    >>> rates = xr.DataArray([0.1, 0.5, 0.9], dims="rate")
    >>> found = hsgd.sweep(hsgd.limits, rows, hsgd.StreamingSGD(rates), client=False)
    >>> found.limiting_population_risk.dims
    ('rate',)
    """
    whole = _checked(verb, (problem, *arguments), options, client, folder, progress)
    pieces = divided(whole)
    parts = Parts() if folder is None else PartFiles(Path(folder), _configuration(whole, pieces))
    found = {index: part for index in range(len(pieces)) if (part := parts.load(index)) is not None}
    missing = [index for index in range(len(pieces)) if index not in found]
    name, unit = getattr(verb, "__name__", "sweep"), _unit(pieces)
    with bar(progress, sum(map(_size, pieces)), description=name, unit=unit) as report:
        report(sum(_size(pieces[index]) for index in found))
        if missing:
            _decompose(whole)
        with clusters.workers(client, len(missing)) as there:
            tasks = [pieces[index] for index in missing]
            with closing(clusters.compute(there, partial(run_piece, whole), tasks)) as done:
                for number, part in done:
                    parts.keep(missing[number], part)
                    found[missing[number]] = part
                    report(_size(tasks[number]))
    return _assembled(whole, pieces, found)


def _checked(
    verb: Any, positional: Any, options: Mapping[str, Any], client: Any, folder: Any, progress: Any
) -> Sweep:
    if not callable(verb):
        raise TypeError(
            f"what is to be swept is a {type(verb).__name__}: pass the function itself, as in "
            "hsgd.sweep(hsgd.predict, problem, algorithm, time)."
        )
    if progress not in (None, True, False):
        raise TypeError(f"progress is {progress!r}: pass True, False or None.")
    if client is not None and client is not False:
        clusters.check_client(client)
    if folder is not None and not isinstance(folder, str | os.PathLike):
        raise TypeError(f"folder is a {type(folder).__name__}: pass the path of a folder.")
    try:
        whole = Sweep.of(verb, positional, options)
    except TypeError as error:
        name = getattr(verb, "__name__", "the function")
        raise TypeError(f"{name} cannot be called like this: {error}.") from None
    unseeded = "seed" in whole.arguments and whole.arguments["seed"] is None
    if folder is not None and unseeded:
        raise ValueError("a folder needs a seed, or nothing could be resumed: pass seed=0.")
    if "time" in whole.arguments:
        check_times(whole.arguments["time"])
    whole = whole.checked()
    if not whole.parameters and _replicates(whole) is None:
        raise ValueError(
            "nothing is swept: give learning_rate, batch_size, momentum, ridge or a parameter of a "
            "schedule as an xarray.DataArray, or call the function itself."
        )
    return whole


def _replicates(whole: Sweep) -> range | None:
    """The replicates of every member, for verbs that have them."""
    if "num_replicates" not in whole.arguments or "first_replicate" not in whole.arguments:
        return None
    count = integer("num_replicates", whole.arguments["num_replicates"], minimum=1)
    first = integer("first_replicate", whole.arguments["first_replicate"], minimum=0)
    return range(first, first + count)


def divided(whole: Sweep) -> list[Piece]:
    """The pieces, of equal size up to one: some members, or of a single one some replicates."""
    replicates, count = _replicates(whole), len(whole)
    if replicates is None or count >= NUM_PIECES:
        groups = np.array_split(np.arange(count), min(count, NUM_PIECES))
        return [Piece(range(int(g[0]), int(g[-1]) + 1), replicates) for g in groups]
    blocks = np.array_split(np.array(replicates), min(len(replicates), NUM_PIECES // count))
    return [
        Piece(range(member, member + 1), range(int(b[0]), int(b[-1]) + 1))
        for member in range(count)
        for b in blocks
    ]


def _size(piece: Piece) -> int:
    return len(piece.members) * (1 if piece.replicates is None else len(piece.replicates))


def _unit(pieces: list[Piece]) -> str:
    return "members" if pieces[0].replicates is None else "runs"


def run_piece(whole: Sweep, piece: Piece) -> xr.Dataset:
    """One piece, packed as a dataset."""
    options: dict[str, int] = {}
    if piece.replicates is not None:
        options["first_replicate"] = piece.replicates.start
        options["num_replicates"] = len(piece.replicates)
    return packed(*recorded(partial(whole.run, **options), piece.members))


def _assembled(whole: Sweep, pieces: list[Piece], found: Mapping[int, xr.Dataset]) -> xr.Dataset:
    members: list[list[xr.Dataset]] = [[] for _ in range(len(whole))]
    messages: list[str] = []
    for index, piece in enumerate(pieces):
        datasets, more = unpacked(found[index])
        messages += more
        for member, one in zip(piece.members, datasets, strict=True):
            members[member].append(one)
    return whole.assembled([joined(blocks) for blocks in members], messages)


def _decompose(whole: Sweep) -> None:
    """Decompose the problem here, once, unless the verb looks at the rows alone."""
    problem = whole.problem
    if not hasattr(problem, "decompose") or getattr(problem, "is_sparse", False):
        return
    asked = whole.arguments.get("statistics")
    named = asked if isinstance(asked, list | tuple) else (asked,)
    if "engine" in whole.arguments and asked is not None and "distance" not in named:
        return
    with single_threaded_blas():
        problem.decompose()


def _configuration(whole: Sweep, pieces: list[Piece]) -> dict[str, Any]:
    """All that the bits of the result depend on."""
    verb = whole.verb
    return {
        "verb": f"{getattr(verb, '__module__', '')}.{getattr(verb, '__qualname__', repr(verb))}",
        "arguments": {
            name: fingerprint(name, value)
            for name, value in whole.arguments.items()
            if name != "progress"
        },
        "schedules_sha256": _schedules(whole),
        "parameters": {name: digest(values) for name, values in whole.values.items()},
        "num_members": len(whole),
        "num_pieces": len(pieces),
        "hsgd_version": provenance.version(),
    }


def _schedules(whole: Sweep) -> str:
    """The schedules of algorithms over time: a user's function can only be known by its values."""
    end = check_times(whole.arguments.get("time", [100.0]))[-1]
    probes = np.linspace(0.0, end, _PROBES + 1)
    algorithms = (value for value in whole.arguments.values() if isinstance(value, Algorithm))
    values = (value for algorithm in algorithms for value in fields_of(algorithm).values())
    # One with swept parameters is known by them.
    fixed = (value for value in values if callable(value) and not _is_swept_schedule(value))
    return digest(*(as_schedule(value)(probes) for value in fixed))


def _is_swept_schedule(value: Any) -> bool:
    return is_dataclass(value) and bool(swept_fields(value))
