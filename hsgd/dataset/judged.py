"""Datasets that say something in words: shown first, before their numbers."""

from __future__ import annotations

from html import escape
from textwrap import fill

import xarray as xr


class Judged(xr.Dataset):
    """An `xarray.Dataset` with an attribute `verdict`, which is what it shows first.

    Nothing else is different: it goes wherever a dataset goes.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        verdict = self.attrs.get("verdict")
        text = super().__repr__().replace(f"<xarray.{type(self).__name__}>", "<xarray.Dataset>")
        return text if verdict is None else f"{fill(verdict, 88)}\n\n{text}"

    def _repr_html_(self) -> str:
        verdict = self.attrs.get("verdict")
        page: str = super()._repr_html_().replace(f"xarray.{type(self).__name__}", "xarray.Dataset")
        return page if verdict is None else f"<p><strong>{escape(verdict)}</strong></p>{page}"


def verdict_first(data: xr.Dataset) -> xr.Dataset:
    """The same data, with its verdict first if it has one."""
    if "verdict" not in data.attrs or isinstance(data, Judged):
        return data
    result = Judged(data.data_vars, data.coords, data.attrs)
    result.encoding = data.encoding
    return result
