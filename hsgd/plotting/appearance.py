"""Colours, and the style file that every figure of this project is drawn with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THEORY, RUNS, FLOW = "#0072B2", "#D55E00", "#6E6E6E"
"""Blue, vermilion and grey of the Okabe-Ito palette: told apart by colour-blind readers."""
SECOND, THIRD = "#009E73", "#A05A93"
"""Green and purple of the same palette (the purple a little darker, for thin lines)."""
REJECTED = "#B00020"

COLOURS = {"theory": THEORY, "simulation": RUNS, "exact_mean": SECOND, "diffusion": THIRD}
"""By the source of a dataset."""

STYLE_FILE = Path(__file__).parents[1] / "hsgd.mplstyle"


def require() -> None:
    """Say what to install where matplotlib is missing.

    Raises
    ------
    ImportError
        If it is.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError("figures need matplotlib: pip install 'hsgd[plot]'.") from error


def style() -> AbstractContextManager[None]:
    """The style file, for as long as the context lasts: figures are made and drawn inside."""
    require()
    from matplotlib import style as styles

    return styles.context(STYLE_FILE)


def ink(axes: Axes) -> Any:
    """The colour of text, which is what stands out from this background."""
    return axes.xaxis.label.get_color()


def is_dark(axes: Axes) -> bool:
    """Whether the background is."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(axes.get_facecolor()[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5


def sequence(axes: Axes) -> Any:
    """A colour map whose colours grow with a parameter, and all stand out from the background."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.colors import ListedColormap

    ends = (0.3, 1.0) if is_dark(axes) else (0.0, 0.85)
    return ListedColormap(mpl.colormaps["viridis"](np.linspace(*ends, 256)))
