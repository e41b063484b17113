"""One test for all times and statistics at once of where the mean of the runs is.

The points of a curve are strongly correlated, there may be hundreds of them, there are few runs,
and the runs are skewed near the stability limit. So the test is a *sign-flip test of the largest
t statistic*:

1. at every point, t = (mean of the runs − expected) / standard error, made symmetric to first order
   by Hall's transformation (which uses the sample skewness);
2. the statistic is max |t| over all points;
3. it is compared with its values when every run, as a whole curve, is reflected about the expected
   curve with probability ½.

Reflecting whole curves keeps every correlation between times and statistics, whatever it is. If
the runs are symmetric about the expected curve, all reflections are equally likely, so the false-
alarm level is *exact*: for any number of runs, any number of times and any correlation; nothing is
estimated but the order of the values. For skewed runs Hall's transformation removes the error of
order 1/√R. (Bonferroni would ignore the correlation; a Gaussian multiplier bootstrap needs a large
R, and a t-distribution patch for small ones.)

References
----------
P. Hall, "On the removal of skewness by transformation", J. R. Statist. Soc. B 54 (1992) 221-228.
J. P. Romano, M. Wolf, "Exact and approximate stepdown methods for multiple hypothesis testing",
J. Am. Stat. Assoc. 100 (2005) 94-108 (maximum of studentised statistics under randomisation).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from hsgd.checks import Array
from hsgd.machine.blas import single_threaded_blas

_BLOCK = 1 << 13
"""Entries of one block of reflected curves: 64 kB, so that the passes over it stay in cache and
its arrays are reused, not fetched from the operating system each time."""
_TIE = 1e-9
"""Relative difference of two values of the statistic that is rounding."""


def smallest_number(false_alarm: float) -> int:
    """How many runs the level needs: R runs have 2^(R−1) different reflections."""
    return 1 + math.ceil(math.log2(1.0 / false_alarm))


def hall(t: Array, skewness: Array, number: int) -> Array:
    """Hall's transformation of t statistics: monotone, and symmetric to first order.

    t + g t²/3 + g² t³/27 + g/6 with g = skewness/√number.
    """
    g = skewness / math.sqrt(number)
    scaled = g * t
    # Products, not powers: this runs over every reflection of every point.
    return np.asarray(t * (1 + scaled * (1 / 3 + scaled / 27)) + g / 6)


def hall_inverse(value: float, skewness: Array, number: int) -> Array:
    """The t whose transformation is `value`: the ends of confidence intervals."""
    g = np.asarray(skewness) / math.sqrt(number)
    safe = np.where(np.abs(g) > 1e-6, g, 1.0)
    root = (np.cbrt(1 + safe * (value - safe / 6)) - 1) * 3 / safe
    # The straight line has an error of order g value², below 1e-5 where it is used.
    return np.where(np.abs(g) > 1e-6, root, value - g / 6)


def moments(curves: Array) -> tuple[Array, Array, Array]:
    """Mean, standard error and skewness of `curves` (R, m) over its R rows."""
    number = len(curves)
    mean = curves.mean(axis=0)
    residuals = curves - mean
    spread = np.sqrt(np.mean(residuals * residuals, axis=0))
    # Divide before cubing: curves may span hundreds of orders of magnitude.
    scaled = residuals / np.where(spread > 0, spread, 1.0)
    skewness = np.mean(scaled * scaled * scaled, axis=0)
    return mean, spread / math.sqrt(number - 1), skewness


@lru_cache(maxsize=4)
def reflections(number: int, false_alarm: float) -> Array:
    """Signs (N, R) of the reflections; the first row reflects nothing.

    All 2^(R−1) of them where they are few (a common sign changes nothing), else a fixed random
    choice with at least 40 of them in the tail beyond the level.
    """
    wanted = max(2000, math.ceil(40 / false_alarm))
    if 2 ** (number - 1) <= wanted:
        codes = np.arange(2 ** (number - 1))[:, None]
        return np.asarray(1.0 - 2.0 * ((codes >> np.arange(number)) & 1))
    # A fixed seed: the same two datasets always get the same verdict.
    signs = np.random.default_rng(20220507).choice([-1.0, 1.0], size=(wanted, number))
    signs[0] = 1.0
    return np.asarray(signs)


def critical_value(deviations: Array, false_alarm: float) -> float:
    """The value that max |hall(t)| exceeds with probability at most `false_alarm`.

    Parameters
    ----------
    deviations
        Runs minus expected curve, shape (R, m), without points where nothing varies.
    false_alarm
        Level, at least 2^(1−R).

    Notes
    -----
    Two matrix products of (N, R) with (R, m) and a few passes over (N, m), N = max(2000, 40/level).
    The sums of squares do not change under reflection, so only first and third moments are needed.
    """
    number, points = deviations.shape
    signs = reflections(number, false_alarm)
    scaled = deviations / np.sqrt(np.mean(deviations * deviations, axis=0))
    cubes = scaled * scaled * scaled
    largest = np.empty(len(signs))
    block = max(16, _BLOCK // points)
    # Products this small gain nothing from threads, and lose a lot where cores are shared.
    with single_threaded_blas():
        for start in range(0, len(signs), block):
            part = signs[start : start + block] / number
            largest[start : start + block] = _largest(part @ scaled, part @ cubes, number)
    largest.sort()
    allowed = math.floor(false_alarm * len(signs) + 1e-9)
    # What was seen is among the reflections, computed in another way: rounding decides no tie.
    return float(largest[::-1][min(allowed, len(signs) - 1)]) * (1.0 + _TIE)


def _largest(mean: Array, cube: Array, number: int) -> Array:
    """Max |hall(t)| of reflected runs, from their first and third moments (their second is 1)."""
    # All runs alike after reflection: a variance of rounding errors, and a huge t either way.
    variance = np.maximum(1.0 - mean * mean, 1e-15)
    spread = np.sqrt(variance)
    skewness = (cube - mean * (3 - 2 * mean * mean)) / (variance * spread)
    t = mean * math.sqrt(number - 1) / spread
    return np.asarray(np.abs(hall(t, skewness, number)).max(axis=1))
