"""Datasets that belong together: a case with its theory, simulation and comparison."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hsgd.checks import shown
from hsgd.dataset.provenance import version
from hsgd.dataset.schema import check, with_schema

if TYPE_CHECKING:
    import xarray as xr


def tree(datasets: Mapping[str, xr.Dataset | xr.DataTree], *, title: str = "") -> xr.DataTree:
    """Datasets as the groups of one `xarray.DataTree`.

    Parameters
    ----------
    datasets
        Name → dataset, or tree. A name may be a path: `"half of critical/theory"`.
    title
        What they are together.

    Returns
    -------
    xarray.DataTree
        Its root holds attributes only, so that no group inherits anything.

    Raises
    ------
    TypeError, ValueError
        If there are none, a name is not one, or one of them does not follow the schema.

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> problem, sgd = hsgd.LeastSquares(np.eye(8), np.ones(8)), hsgd.SGD(0.5)
    >>> theory = hsgd.predict(problem, sgd, np.linspace(0, 2, 5))
    >>> exact = hsgd.exact_mean(problem, sgd, theory.time)
    >>> case = hsgd.dataset.tree({"theory": theory, "exact_mean": exact}, title="identity")
    >>> sorted(case.children)
    ['exact_mean', 'theory']
    """
    import xarray as xr

    if not isinstance(datasets, Mapping) or not datasets:
        raise TypeError(
            'a tree needs named datasets: tree({"theory": theory, "simulation": runs}).'
        )
    if not isinstance(title, str):
        raise TypeError(f"title is {shown(title)}: pass words.")
    groups: dict[str, xr.Dataset | xr.DataTree] = {"/": xr.Dataset(attrs=_attributes(title))}
    for name, data in datasets.items():
        if not isinstance(name, str) or not name.strip("/"):
            raise ValueError(f"{shown(name)} cannot name a group: use words, such as 'theory'.")
        problem = check(data)
        if problem is not None:
            raise ValueError(f"{name} cannot be part of a tree: {problem}")
        groups[name] = data
    return xr.DataTree.from_dict(groups)


def _attributes(title: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    words = title or "tree of datasets"
    return with_schema(
        {
            "title": words,
            "source": "tree",
            "created_at": now,
            "hsgd_version": version(),
            "history": f"{now} hsgd {version()}: {words}",
        }
    )
