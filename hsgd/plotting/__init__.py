"""Figures of datasets, made by `ds.hsgd.plot()`; matplotlib is loaded when one is drawn."""

from hsgd.plotting.figure import plot, save
from hsgd.plotting.style import style

__all__ = ["plot", "save", "style"]
