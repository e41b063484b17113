"""Figures of datasets, made by `ds.hsgd.plot()`; matplotlib is loaded when one is drawn.

figure        the verb: datasets that belong together become one figure
layout        which panel shows what, `scales` on which axes, `keys` what its colours mean
over_time     panels of curves over time, made of `curves`; `parameters` panels without time
artists       lines, bands, dots and rules; `appearance` the style of all
"""

from hsgd.plotting.appearance import style
from hsgd.plotting.figure import plot, save

__all__ = ["plot", "save", "style"]


def __dir__() -> list[str]:
    return sorted(__all__)
