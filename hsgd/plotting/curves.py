"""One panel of curves over time: what each kind of dataset adds to it.

Datasets have no dims but `time` (and `replicate`, `statistic`) here. Every function gives the
values that the axes should show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.checks import Array
from hsgd.plotting import artists
from hsgd.plotting.appearance import COLOURS, FLOW, REJECTED, RUNS, THEORY
from hsgd.plotting.scales import evenly

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

NAMES = {
    "theory": "theory",
    "exact_mean": "exact mean",
    "simulation": "runs",
    "diffusion": "diffusion paths",
}
LEVEL = 0.9
"""Share of single runs inside their band."""
VISIBLE = 0.02
"""Relative error from which a shade is broader than the line that it belongs to."""
MOST_CROSSES = 21


def draw(
    axes: Axes,
    datasets: Mapping[str, xr.Dataset],
    name: str,
    x: Array,
    scale: str,
    colour: Any = None,
    *,
    with_bands: bool = True,
) -> list[Array]:
    """One statistic of datasets by source; what is drawn last lies on top.

    Parameters
    ----------
    x, scale
        The horizontal axis: its values and its scale.
    colour
        Of everything, for one member of many; by default each source has its own.
    with_bands
        Whether there is room for bands in that colour.
    """
    shown: list[Array] = []
    judged = "comparison" in datasets
    for source in ("simulation", "diffusion"):
        if source in datasets:
            shown += runs(
                axes, datasets[source], name, x, scale, colour,
                with_mean=not judged, with_band=with_bands,
            )  # fmt: skip
    if judged and "theory" not in datasets:
        expected = datasets["comparison"].sel(statistic=name).expected.values
        own = COLOURS["theory"] if colour is None else colour
        artists.line(axes, x, expected, NAMES["theory"], own)
    if "theory" in datasets:
        shown += theory(axes, datasets["theory"], name, x, colour, with_error=not judged)
    if "exact_mean" in datasets:
        shown += exact_mean(axes, datasets["exact_mean"], name, x, colour)
    if "limits" in datasets:
        shown += limits(axes, datasets["limits"], name, colour)
    if judged:
        shown += comparison(axes, datasets["comparison"], name, x, scale, colour)
    return shown


def theory(
    axes: Axes,
    data: xr.Dataset,
    name: str,
    x: Array,
    colour: Any = None,
    *,
    with_error: bool = True,
) -> Iterator[Array]:
    """A line; dashed the same without noise; shaded by how much SGD may differ at this n."""
    curve = _values(data, name)
    own = colour is None
    colour = COLOURS["theory"] if own else colour
    gap = data.get(f"{name}_discrepancy")
    if with_error and own and gap is not None and gap.max() > VISIBLE:
        # An estimate of a size: as a factor, it never reaches 0.
        factor = 1 + np.where(np.isnan(gap.values), np.inf, gap.values)
        with np.errstate(all="ignore"):
            ends = curve / factor, curve * factor
        artists.band(axes, x, ends, artists.FINITE_SIZE, colour, alpha=0.22)
    if f"{name}_lower" in data:
        runs_between = _values(data, f"{name}_lower"), _values(data, f"{name}_upper")
        label = f"{float(data.attrs['level']):.0%} of single runs, predicted"
        artists.band(axes, x, runs_between, label, colour)
    if f"{name}_gradient_flow" in data:
        flow = _values(data, f"{name}_gradient_flow")
        label = artists.DESCENT if data.attrs.get("method") == "discrete" else artists.GRADIENT_FLOW
        thin = {} if own else {"lw": 1.0}
        artists.flow(axes, x, flow, FLOW if own else colour, label=label, **thin)
        # It may go to zero: a decade below SGD is enough to see that it does.
        yield np.where(np.isfinite(curve), np.maximum(flow, _least(curve) / 10), np.nan)
    artists.line(axes, x, curve, NAMES["theory"], colour)
    yield curve


def exact_mean(
    axes: Axes, data: xr.Dataset, name: str, x: Array, colour: Any = None
) -> Iterator[Array]:
    """A dash-dotted line."""
    curve = _values(data, name)
    own = COLOURS["exact_mean"] if colour is None else colour
    artists.line(axes, x, curve, NAMES["exact_mean"], own, ls="-.", lw=1.8)
    yield curve


def runs(
    axes: Axes, data: xr.Dataset, name: str, x: Array, scale: str, colour: Any = None,
    *, with_mean: bool = True, with_band: bool = True,
) -> Iterator[Array]:  # fmt: skip
    """A band that holds most runs, or all of them where they are few, and their mean in dots."""
    source = str(data.attrs["source"])
    own = COLOURS[source] if colour is None else colour
    if "replicate" in data[name].dims and data.sizes["replicate"] == 1:
        data = data.isel(replicate=0)
    if "replicate" not in data[name].dims:
        yield from _single(axes, data, name, x, scale, own)
        return
    values = data[name].transpose("time", "replicate").values
    # Many single runs in many colours would hide each other.
    if colour is None or (with_band and values.shape[1] * (1 - LEVEL) >= 2):
        yield from _spread(axes, values, x, own, NAMES[source])
    mean, error = _mean(values)
    if with_mean:
        at = evenly(x, scale)
        label = f"mean of the {NAMES[source]} ± 2 standard errors"
        artists.dots(axes, x[at], mean[at], 2 * error[at], label, own)
    yield mean


def _single(
    axes: Axes, data: xr.Dataset, name: str, x: Array, scale: str, colour: Any
) -> Iterator[Array]:
    mean, what = _values(data, name), NAMES[str(data.attrs["source"])]
    if f"{name}_standard_error" in data:
        at, error = evenly(x, scale), _values(data, f"{name}_standard_error")
        label = f"mean of the {what} ± 2 standard errors"
        artists.dots(axes, x[at], mean[at], 2 * error[at], label, colour)
    else:
        label = "one run" if "replicate" in data.coords else f"the {what}"
        artists.line(axes, x, mean, label, colour, lw=1.2)
    yield mean


def _spread(axes: Axes, values: Array, x: Array, colour: Any, what: str) -> Iterator[Array]:
    """The middle `LEVEL` of the runs; every single one where fewer than one would be outside."""
    count = values.shape[1]
    diverged = int((~np.isfinite(values)).any(axis=0).sum())
    words = f" ({diverged} incomplete or diverged)" if diverged else ""
    if count * (1 - LEVEL) < 2:
        for number, run in enumerate(values.T):
            label = f"{count} single {what}{words}" if number == 0 else "_"
            artists.line(axes, x, run, label, colour, lw=0.8, alpha=0.45)
        yield values.ravel()
        return
    ends = np.full((2, len(values)), np.nan)
    present, tails = ~np.isnan(values).all(axis=1), ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    # The nearest run, for between two infinite ones there is nothing.
    ends[:, present] = np.nanquantile(values[present], tails, axis=1, method="nearest")
    label = f"{LEVEL:.0%} of {count} {what}{words}"
    artists.band(axes, x, ends, label, colour)
    yield from ends


def _mean(values: Array) -> tuple[Array, Array]:
    """Mean over runs that are there, and its standard error; NaN where neither is a number."""
    largest = np.nanmax(np.abs(values), axis=1, keepdims=True, initial=np.finfo(float).tiny)
    with np.errstate(all="ignore"):
        scaled = values / largest  # so that squares do not overflow
        present = ~np.isnan(scaled)
        count = np.maximum(present.sum(axis=1), 1)
        mean = np.where(present, scaled, 0.0).sum(axis=1) / count
        squares = np.where(present, scaled - mean[:, None], 0.0) ** 2
        error = np.sqrt(squares.sum(axis=1) / np.maximum(count - 1, 1) / count)
        mean, error = mean * largest[:, 0], error * largest[:, 0]
    known = np.isfinite(mean) & np.isfinite(error) & present.any(axis=1)
    return np.where(known, mean, np.nan), np.where(known, error, np.nan)


def limits(axes: Axes, data: xr.Dataset, name: str, colour: Any = None) -> Iterator[Array]:
    """Horizontal rules where SGD and gradient flow end up."""
    end, flow = (float(data.get(f"limiting_{name}{s}", np.nan)) for s in ("", "_gradient_flow"))
    if np.isfinite(end):
        artists.rule(axes, end, "limit of theory", THEORY if colour is None else colour)
        yield np.array([end])
    if np.isfinite(flow):
        grey = FLOW if colour is None else colour
        artists.rule(axes, flow, "limit of gradient flow", grey, ls=(0, (1, 4)))
        yield np.array([max(flow, end / 10)]) if np.isfinite(end) else np.array([flow])


def comparison(
    axes: Axes, data: xr.Dataset, name: str, x: Array, scale: str, colour: Any = None
) -> Iterator[Array]:
    """What the theory is allowed, the observed mean, and crosses where it is not within that."""
    found = data.sel(statistic=name)
    curve, gap = found.expected.values, found.discrepancy.values
    own = COLOURS["theory"] if colour is None else colour
    if np.nanmax(gap) > VISIBLE:
        artists.allowance(axes, x, curve, gap, artists.FINITE_SIZE, own)
    seen = "simulation" if data.attrs["num_replicates"] else "exact_mean"
    means(axes, found, x, scale, COLOURS[seen] if colour is None else colour)
    rejected(axes, x, found.observed.values, found.agrees.values)
    yield from (curve, found.observed.values)


def means(axes: Axes, found: xr.Dataset, x: Array, scale: str, colour: Any = RUNS) -> None:
    """Some of a comparison's observed means of one statistic, evenly spread along the axis."""
    at, error = evenly(x, scale), 2 * found.standard_error.values
    label = artists.RUNS_MEAN if found.attrs["num_replicates"] else NAMES["exact_mean"]
    artists.dots(axes, x[at], found.observed.values[at], error[at], label, colour)


def rejected(axes: Axes, x: Array, y: Array, agrees: Array) -> None:
    """Crosses at points where a comparison rejects; some of them, where there are many."""
    wrong = np.flatnonzero(agrees == 0)
    if wrong.size:
        chosen = np.linspace(0, len(wrong) - 1, min(len(wrong), MOST_CROSSES)).astype(int)
        wrong = wrong[chosen]
        axes.plot(
            x[wrong], y[wrong], "x", color=REJECTED, ms=7, mew=1.8, zorder=4, label="rejected"
        )


def _values(data: xr.Dataset, name: str) -> Array:
    return np.asarray(data[name].values, dtype=np.float64)


def _least(curve: Array) -> float:
    positive = curve[np.isfinite(curve) & (curve > 0)]
    return float(positive.min()) if positive.size else 0.0
