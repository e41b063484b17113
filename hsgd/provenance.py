"""Where a dataset comes from: enough to repeat the call, and to notice other data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any

from hsgd.algorithms import SGD
from hsgd.checks import digest
from hsgd.problems import HeldOut, LeastSquares, LinearModel, Population


@cache
def version() -> str:
    """Version of the installed distribution."""
    try:
        return metadata.version("hsgd")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def _population(population: object) -> dict[str, Any] | None:
    match population:
        case Population():
            arrays: tuple[Any, ...] = (population.second_moment, population.cross_moment)
            extra: dict[str, Any] = {"target_second_moment": population.target_second_moment}
        case LinearModel():
            arrays = (population.second_moment, population.coefficients)
            extra = {"noise": population.noise}
        case HeldOut():
            arrays = (population.A, population.b)
            extra = {"num_rows": len(population.b)}
        case _:
            return None
    return {"kind": type(population).__name__, "sha256": digest(*arrays), **extra}


def describe_problem(problem: LeastSquares) -> str:
    """The problem as one line of JSON: shape, ridge, SHA-256 of A, b and x0, preparation."""
    return json.dumps(
        {
            "problem": "LeastSquares",
            "num_rows": problem.num_rows,
            "dimension": problem.dimension,
            "ridge": problem.ridge,
            "A_sha256": problem.data_digests[0],
            "b_sha256": problem.data_digests[1],
            "x0_sha256": problem.data_digests[2],
            "population": _population(problem.population),
            "preparation": dict(problem.preparation),
        },
        sort_keys=True,
    )


def describe_algorithm(algorithm: SGD) -> str:
    """The algorithm as one line of JSON."""
    return json.dumps(algorithm.description(), sort_keys=True)


def attributes(problem: LeastSquares, algorithm: SGD, *, source: str, title: str) -> dict[str, Any]:
    """The attributes that every dataset carries."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "title": title,
        "source": source,
        "problem": describe_problem(problem),
        "algorithm": describe_algorithm(algorithm),
        "created_at": now,
        "hsgd_version": version(),
        "history": f"{now} hsgd {version()}: {title}",
        "references": "arXiv:2205.07069, arXiv:2206.07252",
    }
