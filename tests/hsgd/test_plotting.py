"""Figures, by what is in them: lines, bands, scales, labels and colours, not by their pixels."""

import io
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb

import hsgd
import simulate
import validation
from hsgd import plotting
from hsgd.plotting import appearance, keys, scales
from hsgd.plotting.artists import FINITE_SIZE

N = 30
TIME = np.arange(31) * 4 / N  # iterations, so that time and passes are the same


@pytest.fixture(autouse=True)
def backend():
    mpl.use("agg")
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((N, 15)) / np.sqrt(15)
    return hsgd.LeastSquares(A, A.sum(axis=1) + 0.3 * rng.standard_normal(N), ridge=0.1)


@pytest.fixture(scope="module")
def sgd(problem):
    return hsgd.SGD(0.25 * hsgd.critical_learning_rate(problem))


@pytest.fixture(scope="module")
def sources(problem, sgd):
    """One dataset of every kind."""
    theory = hsgd.predict(problem, sgd, TIME)
    runs = simulate.sgd(problem, sgd, TIME, num_replicates=40, seed=0)
    rates = sgd.schedule(np.zeros(1))[0] * swept("learning_rate", [0.25, 0.5, 1.0])
    rows = hsgd.GaussianRows(1 / 20, np.ones(20), noise=0.5)
    return {
        "theory": theory,
        "runs": runs,
        "summary": simulate.summary(runs),
        "exact_mean": hsgd.exact_mean(problem, sgd, TIME),
        "diffusion": simulate.diffusion(problem, sgd, TIME, num_replicates=24, seed=0),
        "comparison": validation.compare(theory, runs, discrepancy=0.2),
        "limits": hsgd.limits(problem, sgd),
        "swept": hsgd.predict(problem, hsgd.SGD(rates), TIME),
        "swept limits": hsgd.limits(problem, hsgd.SGD(rates)),
        "steps": hsgd.steps_to_target(rows, 0.2, [1, 2, 4]),
    }


def swept(name, values):
    return xr.DataArray(values, dims=name, coords={name: values})


def lines(axes):
    """Lines by their label."""
    return {line.get_label(): line for line in axes.get_lines()}


def bands(axes):
    """Shades by their label: the extent over which each one lies at every x."""
    found = {}
    for band in axes.collections:
        if isinstance(band, PolyCollection):
            corners = band.get_paths()[0].vertices
            found[band.get_label()] = {
                x: np.ptp(corners[corners[:, 0] == x, 1]) for x in np.unique(corners[:, 0])
            }
    return found


def legend_of(axes):
    owner = axes.figure.legends[-1] if axes.figure.legends else axes.get_legend()
    return [text.get_text() for text in owner.get_texts()]


@pytest.mark.parametrize(
    "kind",
    ["theory", "runs", "summary", "exact_mean", "diffusion", "comparison", "limits", "swept",
     "swept limits", "steps"],
)  # fmt: skip
def test_every_kind_of_dataset_has_a_figure(sources, kind):
    with mpl.style.context("dark_background"):
        grid = plotting.plot(sources[kind])
        for axes in grid.ravel():
            assert axes.get_lines() or axes.collections
            # The reader's background and ink are left alone.
            assert to_hex(axes.get_facecolor()) == "#000000"
            assert to_hex(axes.xaxis.label.get_color()) == "#ffffff"
        assert legend_of(grid[0, 0])
        assert grid[-1, 0].get_xlabel()
        grid[0, 0].figure.savefig(io.BytesIO(), dpi=20)


def test_theory_is_a_line_and_gradient_flow_is_dashed(sources):
    theory = sources["theory"]
    grid = plotting.plot(theory)
    assert grid.shape == (1, 2)
    for axes, name in zip(grid[0], ("empirical_risk", "distance"), strict=True):
        found = lines(axes)
        np.testing.assert_array_equal(found["theory"].get_xdata(), TIME)
        np.testing.assert_array_equal(found["theory"].get_ydata(), theory[name])
        assert found["theory"].get_linestyle() == "-"
        flow = found["gradient flow (no noise)"]
        np.testing.assert_array_equal(flow.get_ydata(), theory[f"{name}_gradient_flow"])
        assert flow.get_linestyle() == "--"
        assert axes.get_xlabel() == "passes over the data"
    assert grid[0, 0].get_ylabel() == "empirical risk (1/2n)|Ax-b|²"
    timed = plotting.plot(theory, x="time")[0, 0]
    assert timed.get_xlabel() == f"time (iterations / n = {N})"
    assert {"theory", "gradient flow (no noise)"} <= set(legend_of(grid[0, 0]))


def test_runs_are_a_band_that_holds_most_of_them_and_a_mean(sources):
    runs = sources["runs"]
    axes = plotting.plot(sources["theory"], runs, statistics="empirical_risk")[0, 0]
    values = runs.empirical_risk.transpose("time", "replicate").values
    (band,) = [c for c in axes.collections if str(c.get_label()).startswith("90% of 40 runs")]
    corners = band.get_paths()[0].vertices
    at = 20
    edges = corners[corners[:, 0] == TIME[at], 1]
    inside = (values[at] >= edges.min()) & (values[at] <= edges.max())
    assert 0.85 <= inside.mean() <= 0.95
    (dots,) = axes.containers
    x, y = dots.lines[0].get_data()
    np.testing.assert_allclose(y, values.mean(axis=1)[np.searchsorted(TIME, x)], rtol=1e-13)
    (bars,) = dots.lines[2]
    (low, high) = bars.get_segments()[5][:, 1]
    spread = values[np.searchsorted(TIME, x[5])].std(ddof=1) / np.sqrt(40)
    assert high - low == pytest.approx(4 * spread)


def widths(band, x):
    """How broad a shade is at each of some places."""
    return np.array([band[place] for place in x])


def bars(container):
    """Places and whole lengths of error bars."""
    (segments,) = container.lines[2]
    ends = np.array(segments.get_segments())
    return ends[:, 0, 0], ends[:, 1, 1] - ends[:, 0, 1]


def test_the_shade_of_the_theory_is_a_factor_on_either_side(sources):
    theory = sources["theory"].assign(
        empirical_risk_discrepancy=("time", np.linspace(0.1, 2.0, len(TIME)))
    )
    axes = plotting.plot(theory, statistics="empirical_risk")[0, 0]
    factor, curve = 1 + np.linspace(0.1, 2.0, len(TIME)), theory.empirical_risk.values
    found = widths(bands(axes)[FINITE_SIZE], TIME)
    np.testing.assert_allclose(found, curve * factor - curve / factor, rtol=1e-12)


def test_means_have_two_standard_errors_on_either_side(sources):
    for kind in ("summary", "comparison"):
        data = sources[kind]
        axes = plotting.plot(data, statistics="empirical_risk")[0, 0]
        error = (
            data.empirical_risk_standard_error
            if kind == "summary"
            else data.standard_error.sel(statistic="empirical_risk")
        )
        (dots,) = axes.containers
        x, lengths = bars(dots)
        np.testing.assert_allclose(lengths, 4 * error.sel(time=x), rtol=1e-9, atol=1e-14)


def test_a_comparison_shows_what_is_allowed_and_its_band(sources):
    found = sources["comparison"].sel(statistic="empirical_risk")
    grid = plotting.plot(sources["comparison"], statistics="empirical_risk")
    gap = np.where(TIME > 0, 0.2, 0.0)
    allowed = widths(bands(grid[0, 0])[FINITE_SIZE], TIME)
    np.testing.assert_allclose(allowed, 2 * gap * found.expected.values, atol=1e-14)
    shades = bands(grid[1, 0])
    np.testing.assert_allclose(widths(shades[FINITE_SIZE], TIME), 2 * gap, atol=1e-14)
    band = widths(shades["simultaneous 0.99 band of the mean"], TIME)
    expected = (found.upper - found.lower).values / found.expected.values
    np.testing.assert_allclose(band, expected, atol=1e-12)
    errors = next(line for line in grid[1, 0].get_lines() if line.get_marker() == "o")
    x = errors.get_xdata()
    np.testing.assert_array_equal(errors.get_ydata(), found.relative_error.sel(time=x))


def test_few_runs_are_drawn_one_by_one(sources):
    for count, label in ((1, "one run"), (5, "5 single runs")):
        some = sources["runs"].isel(replicate=slice(0, count))
        axes = plotting.plot(some, statistics="distance")[0, 0]
        assert label in lines(axes)
        assert len(axes.get_lines()) - 3 * len(axes.containers) == count
        assert not bands(axes)
    single = plotting.plot(sources["runs"].isel(replicate=3), statistics="distance")[0, 0]
    assert list(lines(single)) == ["one run"]


def test_limits_are_rules(sources, problem):
    axes = plotting.plot(sources["theory"], sources["limits"], statistics="empirical_risk")[0, 0]
    rule = lines(axes)["limit of theory"]
    assert set(rule.get_ydata()) == {float(sources["limits"].limiting_empirical_risk)}
    assert rule.get_linestyle() == ":"
    beyond = hsgd.SGD(1.3 * hsgd.critical_learning_rate(problem))
    with pytest.warns(UserWarning, match="critical"):
        theory = hsgd.predict(problem, beyond, TIME)
    axes = plotting.plot(theory, hsgd.limits(problem, beyond))[0, 0]
    assert "limit of theory" not in lines(axes)
    assert "limit of gradient flow" in lines(axes)


def test_a_comparison_shows_errors_and_crosses_out_what_it_rejects(sources, problem):
    agreeing = plotting.plot(sources["comparison"])
    assert agreeing.shape == (2, 2)
    assert "agrees" in agreeing[0, 0].figure.get_suptitle()
    assert "of all" not in agreeing[0, 0].figure.get_suptitle()
    assert "rejected" not in legend_of(agreeing[0, 0])
    # One panel of two is headed by a verdict on both.
    one = plotting.plot(sources["comparison"], statistics="empirical_risk")
    assert "(of all 2 statistics)" in one[0, 0].figure.get_suptitle().replace("\n", " ")
    found = validation.compare(
        hsgd.predict(problem, hsgd.SGD(0.01), TIME), sources["runs"],
        same_algorithm=False, discrepancy=0.0,
    )  # fmt: skip
    wrong = plotting.plot(found)
    assert "REJECTED" in wrong[0, 0].figure.get_suptitle()
    crosses = lines(wrong[1, 0])["rejected"].get_xdata()
    bad = found.agrees.sel(statistic="empirical_risk") == 0
    assert 0 < len(crosses) <= 21
    assert set(crosses) <= set(found.time.values[bad])


def test_a_case_in_one_picture(sources):
    grid = plotting.plot(
        sources["theory"], sources["runs"], sources["comparison"], sources["limits"]
    )
    labels = legend_of(grid[0, 0])
    assert len(labels) == len(set(labels))
    for words in ("theory", "90% of 40 runs", FINITE_SIZE, "limit of theory"):
        assert words in labels
    assert len(grid[0, 0].containers) == 1  # the comparison's dots, not the runs' as well


@pytest.mark.parametrize(
    ("times", "scale"),
    [
        (np.linspace(0, 5, 20), "linear"),
        (5 * np.linspace(0, 1, 20) ** 2, "function"),
        (np.concatenate([[0], np.geomspace(1 / N, 50, 20)]), "symlog"),
        (np.geomspace(1, 50, 20), "log"),
        ([0.0, 1.0], "linear"),
    ],
)
def test_the_axis_of_time_is_the_one_on_which_the_times_are_even(problem, sgd, times, scale):
    axes = plotting.plot(hsgd.predict(problem, sgd, times))[0, 0]
    assert axes.get_xscale() == scale
    left, right = axes.get_xlim()
    assert left <= times[0]
    assert right >= times[-1]
    if scale == "symlog":
        first = axes.transData.transform([(times[1], 1.0)])[0, 0]
        start = axes.transData.transform([(0.0, 1.0)])[0, 0]
        assert 0 < first - start < 0.2 * axes.bbox.width
        assert 0.0 in axes.get_xticks()
    chosen = plotting.plot(hsgd.predict(problem, sgd, times), xscale="linear")[0, 0]
    assert chosen.get_xscale() == "linear"


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 2.0, 2.9], "linear"),
        ([1.0, 0.3, 0.1], "log"),
        ([1.0, 1e-5, 1e-10], "log"),
        ([1.0, -0.5, 0.1], "linear"),
        ([1.0, -1e-5, 1e-9], "symlog"),
        ([0.0, 0.0], "linear"),
        ([np.nan, np.inf], "linear"),
        ([1e-300, 1e300], "log"),
    ],
)
def test_the_axis_of_values_is_logarithmic_where_they_span_much(values, scale):
    axes = pyplot.figure().subplots()
    scales.set_vertical(axes, np.array(values))
    assert axes.get_yscale() == scale
    axes.figure.savefig(io.BytesIO(), dpi=20)


def test_ten_decades_are_seen_whole_and_rounding_is_not(problem, sgd):
    theory = hsgd.predict(problem, sgd, TIME)
    decay = np.exp(-np.linspace(0, np.log(1e10), len(TIME)))
    axes = plotting.plot(theory.assign(empirical_risk=("time", decay)))[0, 0]
    low, high = axes.get_ylim()
    assert low < 1e-10 < 1 < high
    decay[-5:] = 1e-200
    axes = plotting.plot(theory.assign(empirical_risk=("time", decay)))[0, 0]
    assert axes.get_ylim()[0] > 1e-30


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("times", [TIME, np.linspace(0, 4000, 30)], ids=["short", "overflowing"])
def test_a_divergence_is_a_picture_too(problem, times):
    sgd = hsgd.SGD(3 * hsgd.critical_learning_rate(problem))
    theory = hsgd.predict(problem, sgd, times)
    runs = simulate.sgd(problem, sgd, times, num_replicates=24, seed=0)
    axes = plotting.plot(theory, runs)[0, 0]
    axes.figure.savefig(io.BytesIO(), dpi=20)
    low, high = axes.get_ylim()
    assert low < theory.empirical_risk[0] < high
    diverged = int(runs.attrs["num_diverged"])
    assert any(f"({diverged} incomplete" in label for label in legend_of(axes)) == (diverged > 0)
    if diverged:
        # What is infinite everywhere takes no place.
        assert axes.get_xlim()[1] < times[-1] / 2


def test_a_sweep_has_a_colour_for_each_member_and_a_bar(sources):
    data = sources["swept"]
    axes = plotting.plot(data, statistics="distance")[0, 0]
    curves = [line for line in axes.get_lines() if line.get_linestyle() == "-"]
    colours = [to_hex(line.get_color()) for line in curves]
    assert len(set(colours)) == data.sizes["learning_rate"] == len(curves)
    bright = [luminance(to_rgb(colour)) for colour in colours]
    assert bright == sorted(bright)
    # Few are named, in their colours; the samples of the other legend belong to no member.
    named, common = axes.figure.legends
    assert named.get_title().get_text() == "learning rate"
    assert [to_hex(handle.get_color()) for handle in named.get_lines()] == colours
    words = [text.get_text() for text in named.get_texts()]
    assert words == [f"{rate:.3g}" for rate in data.learning_rate.values]
    assert {to_hex(handle.get_color()) for handle in common.get_lines()} == {"#000000"}


def test_many_members_have_a_bar(problem):
    rates = swept("learning_rate", np.linspace(0.1, 0.4, keys.MOST_NAMED + 1))
    axes = plotting.plot(hsgd.predict(problem, hsgd.SGD(rates), TIME), statistics="distance")[0, 0]
    (bar,) = [other for other in axes.figure.axes if other is not axes]
    assert bar.get_ylabel() == "learning rate"
    assert len(axes.figure.legends) == 1


def test_few_members_have_bands_of_their_runs(problem):
    rates = swept("learning_rate", [0.1, 0.3])
    runs = simulate.sgd(problem, hsgd.SGD(rates), TIME, num_replicates=24, seed=0)
    axes = plotting.plot(runs, statistics="distance", hue="learning_rate")[0, 0]
    assert len([band for band in axes.collections if isinstance(band, PolyCollection)]) == 2


def overlaps(boxes):
    """Pairs of boxes that share more than a pixel."""
    return [
        (i, j)
        for i, one in enumerate(boxes)
        for j, other in enumerate(boxes[:i])
        if min(one.x1, other.x1) - max(one.x0, other.x0) > 1
        and min(one.y1, other.y1) - max(one.y0, other.y0) > 1
    ]


@pytest.mark.parametrize("spacing", ["log", "linear", "sqrt"])
@pytest.mark.parametrize("kind", ["one", "sweep"])
def test_a_figure_of_a_column_s_width_has_no_collisions(problem, sgd, spacing, kind):
    if kind == "sweep":
        sgd = hsgd.SGD(swept("learning_rate", [0.1, 0.3, 0.5]))
    times = hsgd.times(problem, sgd, epochs=30, num=40, spacing=spacing)
    theory = hsgd.predict(problem, sgd, times)
    runs = simulate.sgd(problem, sgd, times, num_replicates=24, seed=0)
    figure, axes = pyplot.subplots(figsize=(3.3, 2.5), layout="constrained")
    options = {"hue": "learning_rate"} if kind == "sweep" else {}
    plotting.plot(theory, runs, statistics="empirical_risk", axes=axes, **options)
    figure.canvas.draw()
    for axis in (axes.xaxis, axes.yaxis):
        labels = [text for text in axis.get_ticklabels() if text.get_text() and text.get_visible()]
        shown = [
            text for text in labels if axes.bbox.padded(2).contains(*_middle(text, axis, axes))
        ]
        assert not overlaps([text.get_window_extent() for text in shown])
        assert len(shown) >= 2
    # The legend is inside, and leaves most of the picture free.
    legend = axes.get_legend().get_window_extent()
    assert axes.bbox.padded(1).contains(legend.x0, legend.y0)
    assert axes.bbox.padded(1).contains(legend.x1, legend.y1)
    assert legend.width * legend.height < 0.5 * axes.bbox.width * axes.bbox.height
    assert figure.bbox.padded(1).contains(*axes.yaxis.label.get_window_extent().min)
    assert figure.bbox.padded(1).contains(*axes.yaxis.label.get_window_extent().max)


def _middle(text, axis, axes):
    """A point of the axes level with a label."""
    box = text.get_window_extent()
    x, y = 0.5 * (box.x0 + box.x1), 0.5 * (box.y0 + box.y1)
    return (x, axes.bbox.y0) if axis is axes.xaxis else (axes.bbox.x0, y)


def test_what_is_asked_for_is_taken(sources):
    theory = sources["theory"]
    grid = plotting.plot(
        theory, statistics="distance", yscale="linear", legend=False, figsize=(3, 2)
    )
    assert grid[0, 0].get_yscale() == "linear"
    assert not grid[0, 0].figure.legends
    np.testing.assert_allclose(grid[0, 0].figure.get_size_inches(), [3, 2])
    inside = plotting.plot(theory, statistics="distance", yscale="log", legend="lower left")[0, 0]
    assert inside.get_yscale() == "log"
    assert inside.get_legend() is not None
    # A notebook shows the figure, and no array beside it.
    assert grid._ipython_display_() is None


@pytest.mark.parametrize("values", [[1.0, 10.0, 100.0], [1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]])
def test_members_that_are_even_on_some_scale_have_even_colours(values):
    bar = keys.mappable_of(pyplot.figure().subplots(), swept("ridge", values))
    np.testing.assert_allclose(bar.norm(np.array(values)), [0.0, 0.5, 1.0], atol=1e-12)


def test_a_second_sweep_has_columns(problem):
    rates, sizes = swept("learning_rate", [0.1, 0.2, 0.3]), swept("batch_size", [1, 5])
    theory = hsgd.predict(problem, hsgd.SGD(rates, sizes), TIME)
    grid = plotting.plot(theory)
    assert grid.shape == (2, 2)
    assert [axes.get_title() for axes in grid[0]] == ["batch size 1", "batch size 5"]
    assert grid[0, 0].get_ylim() == grid[0, 1].get_ylim()
    assert grid[1, 1].get_xlabel() == "passes over the data"
    assert grid[1, 1].get_xlim()[1] > 5 * TIME[-1]
    other = plotting.plot(theory, hue="batch_size", col="learning_rate")
    assert other.shape == (2, 3)


def test_what_has_no_members_is_drawn_once(problem, sgd):
    asked = ["empirical_risk", hsgd.Coordinates([0, 1])]
    runs = simulate.sgd(problem, sgd, TIME, statistics=asked, num_replicates=24, seed=0)
    grid = plotting.plot(runs)
    assert grid.shape == (2, 2)
    assert [[axes.axison for axes in row] for row in grid] == [[True, False], [True, True]]
    # Of a row only the first axes have numbers: the range is the same, also where it is linear.
    assert grid[1, 0].get_ylim() == grid[1, 1].get_ylim()
    assert [[axes.get_title() for axes in row] for row in grid] == [["", ""], ["mode 0", "mode 1"]]
    coloured = plotting.plot(runs, hue="mode")
    assert [len(axes.containers) for axes in coloured[0]] == [1, 2]


def test_limits_are_drawn_against_what_they_are_swept_over(sources):
    ends = sources["swept limits"]
    axes = plotting.plot(ends)[0, 0]
    np.testing.assert_array_equal(
        lines(axes)["SGD"].get_ydata(), ends.limiting_empirical_risk.values
    )
    assert axes.get_xlabel() == "learning rate"
    assert axes.get_ylabel().startswith("limit of empirical risk")
    # From left to right, in whatever order they were swept.
    shuffled = plotting.plot(ends.isel(learning_rate=[2, 0, 1]))[0, 0]
    for name in ("SGD", "gradient flow (no noise)"):
        one, other = (lines(a)[name].get_xydata() for a in (axes, shuffled))
        np.testing.assert_array_equal(one, other)


def test_it_draws_where_it_is_told_to(sources):
    figure = pyplot.figure()
    mine = figure.subplots()
    mine.plot(TIME, np.full(len(TIME), 1e-3), color="k")
    grid = plotting.plot(sources["theory"], statistics="empirical_risk", axes=mine)
    assert grid[0, 0] is mine
    assert mine.get_legend() is not None
    assert mine.get_ylim()[0] < 1e-3  # what was there is still in sight
    with pytest.raises(ValueError, match="axes holds 1, but there are 1 x 2 panels"):
        plotting.plot(sources["theory"], axes=mine)


def test_it_draws_into_a_part_of_a_figure(sources):
    left, right = pyplot.figure(figsize=(9, 4), layout="constrained").subfigures(1, 2)
    plotting.plot(sources["swept"], figure=left, statistics="distance")
    grid = plotting.plot(sources["comparison"], figure=right, statistics="distance")
    assert grid[0, 0].figure is right
    right.figure.savefig(io.BytesIO(), dpi=20)
    assert tuple(right.figure.get_size_inches()) == (9, 4)


def test_runs_that_were_interrupted_are_shown_as_far_as_they_went(sources):
    runs = sources["runs"].copy(deep=True)
    runs.empirical_risk[20:, :30] = np.nan
    runs.empirical_risk[25:] = np.nan
    grid = plotting.plot(sources["theory"], runs, statistics="empirical_risk")
    assert "90% of 40 runs (40 incomplete or diverged)" in legend_of(grid[0, 0])
    (dots,) = grid[0, 0].containers
    x, y = dots.lines[0].get_data()
    assert np.isfinite(y).tolist() == (x < TIME[25]).tolist()


@pytest.mark.parametrize("times", [[0.0], [0.0, 1.0]])
@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e280])
def test_extremes_have_figures_too(problem, sgd, times, scale):
    theory = hsgd.predict(problem, sgd, times)
    for name in ("empirical_risk", "empirical_risk_gradient_flow"):
        theory[name].values *= scale
    axes = plotting.plot(theory)[0, 0]
    axes.figure.savefig(io.BytesIO(), dpi=20)
    low, high = axes.get_ylim()
    shown = theory.empirical_risk.values
    assert low < shown.min() <= shown.max() < high
    if len(times) > 1:
        # Not flattened: the values fill the axis.
        assert axes.get_yscale() == "log"
    else:
        assert lines(axes)["theory"].get_marker() == "o"


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_figure_is_saved_whole(sources, tmp_path, ending):
    path = plotting.save(tmp_path / f"risk.{ending}", sources["theory"], sources["runs"])
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(start)
    assert not pyplot.get_fignums()
    with pytest.raises(ValueError, match="ending"):
        plotting.save(tmp_path / "risk.docx", sources["theory"])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (lambda s: [xr.Dataset({"a": 1.0})], {}, "cannot be drawn: the attributes"),
        (lambda s: ["theory.nc"], {}, "this is a str"),
        (lambda s: [s["theory"], s["theory"]], {}, "two datasets have the source theory"),
        (lambda s: [], {}, "nothing to draw"),
        (lambda s: [s["theory"]], {"statistics": 3}, "statistics is 3: pass a name"),
        (lambda s: [s["limits"]], {"statistics": [None]}, "pass a name"),
        (lambda s: [s["theory"]], {"axes": ["a", "b"]}, "axes holds a str"),
        (lambda s: [s["theory"]], {"figure": 3}, "figure is a int"),
        (lambda s: [s["theory"]], {"statistics": "happiness"}, "choose among empirical_risk"),
        (lambda s: [s["theory"]], {"x": "replicate"}, "must be one of time, epoch, iteration"),
        (lambda s: [s["theory"]], {"xscale": "cubic"}, "linear"),
        (lambda s: [s["theory"]], {"hue": "ridge"}, "hue is 'ridge', but swept are none"),
        (lambda s: [s["limits"], s["theory"].isel(time=0)], {}, "no dimension time"),
        (lambda s: [s["swept limits"]], {"hue": "ridge"}, "hue is 'ridge'"),
        (lambda s: [s["steps"]], {"statistics": "happiness"}, "choose among iterations"),
        (lambda s: [s["swept"], s["swept limits"].isel(learning_rate=[0, 1])], {},
         "different members along learning_rate"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_gets_one_sentence(sources, arguments, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plotting.plot(*arguments(sources), **options)
    assert not pyplot.get_fignums()


def test_numbers_that_are_no_curve_are_refused(problem, sgd):
    with pytest.raises(ValueError, match="diagnosis dataset has neither a time"):
        plotting.plot(hsgd.diagnose(problem, sgd))


def test_too_many_sweeps_are_refused(problem):
    three = (swept("learning_rate", [0.1, 0.2]), swept("batch_size", [1, 2]))
    ridges = problem.replace(ridge=swept("ridge", [0.1, 0.2]))
    theory = hsgd.predict(ridges, hsgd.SGD(*three), [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"too many members .* \.isel\("):
        plotting.plot(theory)


def test_without_matplotlib_a_sentence_says_what_to_install(sources, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'hsgd\[plot\]'"):
        plotting.plot(sources["theory"])


def test_the_style_is_there_for_everybody():
    with mpl.style.context("hsgd.hsgd"):
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"][0] == appearance.THEORY
    for forbidden in ("facecolor", "text.color", "labelcolor", "edgecolor"):
        assert forbidden not in appearance.STYLE_FILE.read_text(encoding="utf-8")


def test_the_figure_of_the_documentation_is_small():
    kept = Path(__file__).parents[2] / "docs" / "plot.png"
    assert kept.stat().st_size < 150_000


# What dichromats see, in linear RGB: Machado, Oliveira, Fernandes 2009, severity 1.
SIGHT = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def linear(rgb):
    rgb = np.asarray(rgb)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(rgb):
    return float(linear(rgb) @ [0.2126, 0.7152, 0.0722])


def lab(light):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = np.cbrt(np.clip(xyz @ light, 0.0, None) / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one, other, sight):
    """CIE76 colour difference as somebody with that sight sees it; 2.3 is just noticeable."""
    seen = [np.clip(np.array(SIGHT[sight]) @ linear(to_rgb(c)), 0, 1) for c in (one, other)]
    return float(np.linalg.norm(lab(seen[0]) - lab(seen[1])))


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_differ_for_colour_blind_readers(sight):
    colours = [*appearance.COLOURS.values(), appearance.FLOW]
    closest = min(
        difference(one, other, sight) for i, one in enumerate(colours) for other in colours[:i]
    )
    assert closest > 7  # three times what is just noticeable; and lines differ in their dashes


def test_red_and_green_would_not_differ():
    assert difference("#808000", "#A06A00", "deuteranopia") < 7


@pytest.mark.parametrize("background", ["default", "dark_background"])
def test_the_colours_of_a_sweep_stand_out_from_the_background(background):
    with mpl.style.context(background):
        axes = pyplot.figure().subplots()
        behind = luminance(to_rgb(axes.get_facecolor()[:3]))
        for colour in appearance.sequence(axes)(np.linspace(0, 1, 9)):
            light, dark = sorted((luminance(colour[:3]), behind), reverse=True)
            assert (light + 0.05) / (dark + 0.05) > 1.6


def test_pyplot_finds_its_backend_before_the_style_is_on(sources, monkeypatch):
    # Else notebooks show the first figure only: the style would take back what the backend sets.
    order, style = [], plotting.figure.style
    monkeypatch.setattr(pyplot, "draw_if_interactive", lambda: order.append("backend"))
    monkeypatch.setattr(plotting.figure, "style", lambda: order.append("style") or style())
    plotting.plot(sources["theory"])
    assert order[:2] == ["backend", "style"]
