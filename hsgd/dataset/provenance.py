"""Where a dataset comes from: enough to repeat the call, and to notice other data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any

from hsgd.algorithms.base import Algorithm
from hsgd.interfaces import Described


@cache
def version() -> str:
    """Version of the installed distribution."""
    try:
        return metadata.version("hsgd")
    except metadata.PackageNotFoundError:
        return "0+unknown"


__version__ = version()


def describe_problem(problem: Described) -> str:
    """The problem as one line of JSON: sizes, ridge, SHA-256 of its arrays, preparation."""
    return json.dumps(problem.description(), sort_keys=True)


def describe_algorithm(algorithm: Algorithm) -> str:
    """The algorithm as one line of JSON."""
    return json.dumps(algorithm.description(), sort_keys=True)


def attributes(
    problem: Described, algorithm: Algorithm | None, *, source: str, title: str
) -> dict[str, Any]:
    """The attributes that every dataset carries; some are not about an algorithm."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    described = {} if algorithm is None else {"algorithm": describe_algorithm(algorithm)}
    return {
        "title": title,
        "source": source,
        "problem": describe_problem(problem),
        **described,
        "created_at": now,
        "hsgd_version": version(),
        "history": f"{now} hsgd {version()}: {title}",
        "references": "arXiv:2205.07069, arXiv:2206.07252",
    }
