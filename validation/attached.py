"""What `import validation` adds to the accessor `ds.hsgd`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

_ORDER = ("theory", "exact_mean")


def compare(one: xr.Dataset, other: xr.Dataset, **options: Any) -> xr.Dataset:
    """`validation.compare` of two datasets in whichever order; what is theory is the reference."""
    from validation.comparison import compare as verb

    def rank(data: Any) -> int:
        source = getattr(data, "attrs", {}).get("source")
        return _ORDER.index(source) if source in _ORDER else len(_ORDER)

    theory, runs = sorted((one, other), key=rank)
    return verb(theory, runs, **options)
