"""Figures of datasets, made by `ds.hsgd.plot()`; matplotlib is loaded when one is drawn."""

from hsgd.plotting.appearance import style
from hsgd.plotting.figure import plot, save

__all__ = ["plot", "save", "style"]
