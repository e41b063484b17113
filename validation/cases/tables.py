"""Figures that are no curves along time: a dataset of numbers over named parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import dataset
from hsgd.dataset import provenance

if TYPE_CHECKING:
    import xarray as xr


def table(
    title: str,
    variables: Mapping[str, tuple[tuple[str, ...], Any, str]],
    coords: Mapping[str, Any],
) -> xr.Dataset:
    """A dataset that follows the schema: name → (dims, values, long_name), and its coordinates."""
    import xarray as xr

    now = datetime.now(UTC).isoformat(timespec="seconds")
    version = provenance.version()
    labels = {
        name: (name, np.asarray(values), {"units": "1", "long_name": name.replace("_", " ")})
        for name, values in coords.items()
    }
    data = {
        name: (dims, np.asarray(values), {"units": "1", "long_name": words})
        for name, (dims, values, words) in variables.items()
    }
    attrs = {
        "Conventions": dataset.CONVENTIONS,
        "schema_version": dataset.SCHEMA_VERSION,
        "source": "case",
        "title": title,
        "created_at": now,
        "hsgd_version": version,
        "history": f"{now} hsgd {version}: {title}",
    }
    return xr.Dataset(data, labels, attrs)
