"""Figures of datasets, made by `ds.hsgd.plot()`; matplotlib is loaded when one is drawn."""

from hsgd.plotting.appearance import style
from hsgd.plotting.figure import check_target, plot, save

__all__ = ["check_target", "plot", "save", "style"]
