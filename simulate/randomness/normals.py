"""Normal random numbers from Philox words, by arithmetic that every compiler vectorises.

The transform is Box and Muller's: from two uniform words, a radius with R²/2 exponential and an
independent direction. There are no branches and no calls of `log` or `cos`: the logarithm and the
sine are polynomials, so that a loop over these lines becomes vector instructions. It is written
once, for NumPy's arrays, the compiled engines and the GPU; the integers are the same in all of
them and the normals agree to rounding. Single precision is the double rounded.

Normal number j of (key, purpose, index) comes from the Philox block with counter
(j // 4, index, purpose): words 0 and 1 give its numbers 0 and 1, words 2 and 3 its numbers 2 and 3.

Radius and direction have 32 bits each. So no normal is beyond 6.77 (probability 1.3e-11), the
variance is too small by 8e-11 of itself and the eighth moment by 2e-7.

References
----------
G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates", Annals of
Mathematical Statistics 29 (1958).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.randomness.philox import philox4x32

FEATURES, LABEL_NOISE, BROWNIAN = 4, 5, 6
"""Purpose words of normals; those of row numbers are in `sampling`."""
NUM_PURPOSES = 16
"""All purposes are below; one and a multiple of this is a further stream of the same purpose."""

# −2 log m = −s·P(s²) with s = (m−1)/(m+1), for m in [√½, √2]: |P's relative error| < 3e-18.
# Like those below, by interpolation at Chebyshev's points in 40 digits.
_LOG = (
    4.0,
    1.333333333333353,
    0.7999999999860468,
    0.5714285752128355,
    0.4444439411343145,
    0.36367263361581315,
    0.30625056266662826,
    0.2961942103573186,
)
# sin(πy/2)/√2 = y·P(y²) and cos(πy/2)/√2 = P(y²), for y in [−½, ½]: relative errors < 2e-16.
_SIN = (
    1.1107207345395915,
    -0.45676559374971354,
    0.05635119642914205,
    -0.0033105000948264454,
    0.00011344902567117628,
    -2.544625117965686e-06,
    3.983792781681386e-08,
)
_COS = (
    0.7071067811865475,
    -0.8723580249548468,
    0.17937142921624885,
    -0.014752708706835612,
    0.0006500149443476654,
    -1.7819186532194025e-05,
    3.291791502603771e-07,
)
square_root = np.sqrt  # a name of its own: GPUs have another one
_TWICE_LOG_2 = 2 * math.log(2)
_BITS_OF_ROOT_HALF = np.float64(math.sqrt(0.5)).view(np.int64)
_MANTISSA = np.int64(52)
_BELOW_TWO_BITS = np.int64(2**30 - 1)


def radius(word: Any) -> Any:
    """√(−2 log u) with u = (word + ½)/2³²; word is a uniform integer below 2³²."""
    u = np.float64(np.float64(word) + 0.5) * 2.0**-32
    # u = 2^exponent · m with m in [√½, √2), read off the bits of a double.
    bits = np.float64(u).view(np.int64)
    exponent = (bits - _BITS_OF_ROOT_HALF) >> _MANTISSA
    excess = np.int64(bits - (exponent << _MANTISSA)).view(np.float64) - 1.0
    s = excess / (2.0 + excess)
    z = s * s
    low = _LOG[0] + z * (_LOG[1] + z * (_LOG[2] + z * _LOG[3]))
    high = _LOG[4] + z * (_LOG[5] + z * (_LOG[6] + z * _LOG[7]))
    z = z * z
    return square_root(-np.float64(exponent) * _TWICE_LOG_2 - s * (low + z * z * high))


def direction(word: Any) -> Any:
    """Cosine and sine of a uniform angle; word is a uniform integer below 2³².

    Two bits are the signs, thirty the angle y·π/2 from the diagonal of the first quadrant.
    """
    bits = np.int64(word)
    y = (np.float64(bits & _BELOW_TWO_BITS) + 0.5) * 2.0**-30 - 0.5
    z = y * y
    sine = _SIN[0] + z * (
        _SIN[1] + z * (_SIN[2] + z * (_SIN[3] + z * (_SIN[4] + z * (_SIN[5] + z * _SIN[6]))))
    )
    cosine = _COS[0] + z * (
        _COS[1] + z * (_COS[2] + z * (_COS[3] + z * (_COS[4] + z * (_COS[5] + z * _COS[6]))))
    )
    first = 1.0 - 2.0 * np.float64(bits >> np.int64(31))
    second = 1.0 - np.float64((bits >> np.int64(29)) & np.int64(2))
    return first * (cosine - y * sine), second * (cosine + y * sine)


def normal_pair(radius_word: Any, direction_word: Any) -> Any:
    """Two independent normals from two independent uniform words of 32 bits."""
    length = radius(radius_word)
    first, second = direction(direction_word)
    return length * first, length * second


def normals(key: tuple[int, int], purpose: int, index: int, count: int) -> Array:
    """The first `count` normals for a purpose and an index, shape (count,): the definition.

    Parameters
    ----------
    key
        From `Seed.key`.
    purpose
        One of the purposes above.
    index
        The iteration, or whatever the purpose counts.
    count
        How many.
    """
    block = np.arange(-(-count // 4), dtype=np.uint64)
    low, high = np.uint64(index & 0xFFFFFFFF), np.uint64(index >> 32)
    words = philox4x32(block, low, high, np.uint64(purpose), np.uint64(key[0]), np.uint64(key[1]))
    drawn = np.stack([*normal_pair(*words[:2]), *normal_pair(*words[2:])], axis=1)
    return np.asarray(drawn.ravel()[:count])
