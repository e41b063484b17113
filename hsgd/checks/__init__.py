"""Checks at the rim: every public verb refuses bad input here, in one sentence with the remedy.

words      values in messages; words, flags and paths
arrays     arrays, dense and sparse
scalars    numbers
sweeps     numbers, or sweeps of them
"""

from hsgd.checks.arrays import (
    EPS,
    SPAN,
    Array,
    check_size,
    digest,
    plain_array,
    real_array,
    sparse_or_dense,
    vector,
)
from hsgd.checks.scalars import LARGEST_INTEGER, integer, number, numbers, plain_reals, positive
from hsgd.checks.sweeps import described, each, is_labelled, is_swept
from hsgd.checks.words import flag, one_of, path, shown

__all__ = [
    "EPS",
    "LARGEST_INTEGER",
    "SPAN",
    "Array",
    "check_size",
    "described",
    "digest",
    "each",
    "flag",
    "integer",
    "is_labelled",
    "is_swept",
    "number",
    "numbers",
    "one_of",
    "path",
    "plain_array",
    "plain_reals",
    "positive",
    "real_array",
    "shown",
    "sparse_or_dense",
    "vector",
]
