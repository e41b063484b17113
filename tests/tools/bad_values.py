"""What people pass by mistake, and good arrays in strange clothes.

`VALUES` are tried in the place of every argument of every verb. `DRESSINGS` take the good array of
an argument: those that keep its numbers must give the same answer or be refused; `SPOILINGS` change
them, and must be answered without a NaN or be refused.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import functools
import pathlib
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import xarray as xr

HUGE = 2**70


class Liar:
    """Says that it is an array, and then is none."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("no array after all")


class Vague:
    """Has no length, no value and no repr."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def _scalars() -> dict[str, Any]:
    return {
        "None": None,
        "True": True,
        "False": False,
        "numpy.True_": np.True_,
        "0": 0,
        "1": 1,
        "-1": -1,
        "3": 3,
        "2**70": HUGE,
        "-2**70": -HUGE,
        "2**40": 2**40,
        "2**62": 2**62,
        "10**400": 10**400,
        "0.0": 0.0,
        "-0.0": -0.0,
        "0.5": 0.5,
        "1.5": 1.5,
        "-0.5": -0.5,
        "nan": float("nan"),
        "inf": float("inf"),
        "-inf": float("-inf"),
        "1e150": 1e150,
        "1e-150": 1e-150,
        "1e300": 1e300,
        "1e-300": 1e-300,
        "5e-324": 5e-324,
        "1j": 1j,
        "complex(1, 0)": complex(1, 0),
        "float16(0.5)": np.float16(0.5),
        "float32(0.5)": np.float32(0.5),
        "longdouble(0.5)": np.longdouble("0.5"),
        "longdouble(1e4000)": np.longdouble("1e4000"),
        "int8(-1)": np.int8(-1),
        "int8(1)": np.int8(1),
        "uint64 max": np.uint64(2**64 - 1),
        "complex64(1)": np.complex64(1),
        "str_('x')": np.str_("x"),
        "numpy.datetime64": np.datetime64("2020-01-01"),
        "numpy.timedelta64": np.timedelta64(3, "s"),
        "numpy NaT": np.datetime64("NaT"),
        "numpy.void": np.void(b"abcd"),
        "Decimal": decimal.Decimal("0.5"),
        "Decimal NaN": decimal.Decimal("NaN"),
        "Fraction": fractions.Fraction(1, 2),
        "date": datetime.date(2020, 1, 1),
        "datetime": datetime.datetime(2020, 1, 1),
        "timedelta": datetime.timedelta(1),
    }


def _containers() -> dict[str, Any]:
    return {
        "''": "",
        "'x'": "x",
        "'0.5'": "0.5",
        "'nan'": "nan",
        "' auto'": " auto",
        "a NUL in text": "a\0b",
        "a lone surrogate": "\udcff",
        "a long text": "x" * 5000,
        "b'x'": b"x",
        "bytearray": bytearray(b"ab"),
        "memoryview": memoryview(b"ab"),
        "[]": [],
        "()": (),
        "[[]]": [[]],
        "[None]": [None],
        "['a']": ["a"],
        "ragged": [1.0, [2.0, 3.0]],
        "ragged rows": [[1.0], [2.0, 3.0]],
        "[1, 'a']": [1, "a"],
        "[2**70]": [HUGE],
        "[nan]": [float("nan")],
        "[0, 1]": [0.0, 1.0],
        "[1, 0]": [1.0, 0.0],
        "[0, 0]": [0.0, 0.0],
        "[-1, 0]": [-1.0, 0.0],
        "{}": {},
        "{'a': 1}": {"a": 1},
        "set": {1.0, 2.0},
        "range(3)": range(3),
        "a slice": slice(3),
        "object()": object(),
        "Ellipsis": ...,
        "NotImplemented": NotImplemented,
        "a lambda": lambda *a: None,
        "a constant lambda": lambda *a: 1.0,
        "a failing lambda": _fails,
        "a NaN lambda": lambda t, *a: np.full(np.shape(t), np.nan),
        "a text lambda": lambda t, *a: np.full(np.shape(t), "x"),
        "a complex lambda": lambda t, *a: np.full(np.shape(t), 1j),
        "float (the class)": float,
        "a module": types,
        "a path": pathlib.Path("there/is/no/such/place.nc"),
        "a folder": pathlib.Path(),
        "Liar": Liar(),
        "Vague": Vague(),
    }


def _fails(*arguments: Any) -> Any:
    raise KeyError("the user's own mistake")


def _arrays() -> dict[str, Any]:
    structured = np.zeros(3, dtype=[("a", float), ("b", int)])
    return {
        "0-d array": np.array(0.5),
        "0-d nan": np.array(np.nan),
        "0-d object": np.array(None),
        "0-d integer": np.array(3),
        "empty": np.empty(0),
        "empty (0, 3)": np.empty((0, 3)),
        "empty (3, 0)": np.empty((3, 0)),
        "one entry": np.array([0.5]),
        "one by one": np.array([[0.5]]),
        "3-d": np.ones((2, 2, 2)),
        "many dimensions": np.ones((1,) * 40),
        "zeros(7)": np.zeros(7),
        "ones(7)": np.ones(7),
        "arange(7)": np.arange(7.0),
        "falling": np.arange(7.0)[::-1],
        "negative": -np.arange(7.0),
        "nan array": np.full(7, np.nan),
        "inf array": np.full(7, np.inf),
        "1e150 array": np.full(7, 1e150),
        "1e300 array": np.full(7, 1e300),
        "1e-300 array": np.full(7, 1e-300),
        "objects": np.array([0.5, None, "x"], dtype=object),
        "strings": np.array(["a", "b"]),
        "bytes array": np.array([b"a", b"b"]),
        "complex": np.array([1 + 1j, 2.0]),
        "booleans": np.array([True, False, True]),
        "dates": np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        "durations": np.array([1, 2], dtype="timedelta64[s]"),
        "structured": structured,
        "record array": structured.view(np.recarray),
        "masked": np.ma.array([0.0, 1.0, 2.0], mask=[0, 1, 0]),
        "matrix": np.asmatrix(np.ones((3, 3))),
        "DataArray 0-d": xr.DataArray(0.5),
        "DataArray 0-d text": xr.DataArray("x"),
        "DataArray": xr.DataArray([0.1, 0.2], dims="member"),
        "DataArray of text": xr.DataArray(["a", "b"], dims="member"),
        "DataArray of NaN": xr.DataArray([0.1, np.nan], dims="member"),
        "DataArray, empty": xr.DataArray(np.empty(0), dims="member"),
        "DataArray along time": xr.DataArray([0.1, 0.2], dims="time"),
        "Dataset": xr.Dataset({"a": ("x", [1.0])}),
        "sparse": scipy.sparse.eye_array(3, format="csr"),
        "sparse complex": scipy.sparse.eye_array(3, dtype=complex, format="csr"),
        "sparse, old class": scipy.sparse.coo_matrix(np.eye(3)),
        "LinearOperator": scipy.sparse.linalg.aslinearoperator(np.eye(3)),
    }


def _pandas() -> dict[str, Any]:
    try:
        import pandas as pd
    except ImportError:
        return {}
    return {
        "Series": pd.Series([0.0, 1.0]),
        "DataFrame": pd.DataFrame({"a": [0.0, 1.0]}),
        "DataFrame of text": pd.DataFrame({"a": ["x", "y"]}),
        "pandas NA": pd.NA,
        "Series with NA": pd.array([1, None], dtype="Int64"),
        "Timestamp": pd.Timestamp("2020-01-01"),
    }


def values(nouns: dict[str, Any]) -> dict[str, Any]:
    """Everything; the generator is a new one, for it runs dry."""
    return {**_fixed(), "a generator": (x for x in (0.0, 1.0)), **nouns}


@functools.cache
def _fixed() -> dict[str, Any]:
    return {**_scalars(), **_containers(), **_arrays(), **_pandas()}


def _masked(array: Any) -> Any:
    mask = np.zeros(array.shape, bool)
    mask.flat[0] = True
    return np.ma.array(array, mask=mask)


def _backwards(array: Any) -> Any:
    return np.ascontiguousarray(array[::-1])[::-1]


def _misaligned(array: Any) -> Any:
    buffer = np.empty(array.nbytes + 1, np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def _read_only(array: Any) -> Any:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


Change = Callable[[Any], Any]

DRESSINGS: dict[str, Change] = {
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(a.tolist()),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "Fortran order": np.asfortranarray,
    "negative strides": _backwards,
    "every other": lambda a: np.repeat(a, 2, axis=0)[::2],
    "misaligned": _misaligned,
    "read-only": _read_only,
    "long double": lambda a: a.astype(np.longdouble),
    "objects": lambda a: a.astype(object),
    "complex": lambda a: a.astype(complex),
    "text": lambda a: a.astype(str),
    "masked nothing": np.ma.array,
    "DataArray": xr.DataArray,
    "memory view": memoryview,
    "matrix": lambda a: np.asmatrix(a) if a.ndim == 2 else a,
    "sparse": lambda a: scipy.sparse.csr_array(np.atleast_2d(a)),
    "pandas": lambda a: _as_pandas(a),
}

SPOILINGS: dict[str, Change] = {
    "masked": _masked,
    "one NaN": lambda a: _with(a, np.nan),
    "one inf": lambda a: _with(a, np.inf),
    "one -inf": lambda a: _with(a, -np.inf),
    "one 1e300": lambda a: _with(a, 1e300),
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "integers": lambda a: np.rint(4 * a).astype(int),
    "int8": lambda a: np.clip(np.rint(4 * a), -100, 100).astype(np.int8),
    "unsigned": lambda a: np.abs(np.rint(4 * a)).astype(np.uint64),
    "booleans": lambda a: a > 0,
    "zeros": np.zeros_like,
    "negated": np.negative,
    "times 1e30": lambda a: a * 1e30,
    "times 1e-30": lambda a: a * 1e-30,
    "times 1e75": lambda a: a * 1e75,
    "times 1e-75": lambda a: a * 1e-75,
    "times 1e150": lambda a: a * 1e150,
    "times 1e-150": lambda a: a * 1e-150,
    "times 1e300": lambda a: a * 1e300,
    "times 1e-300": lambda a: a * 1e-300,
    "times 1e-310": lambda a: a * 1e-310,
    "first row zero": lambda a: _row(a, 0.0),
    "first row 1e150": lambda a: _row(a, 1e150),
    "first column zero": lambda a: _column(a, 0.0),
    "first column 1e-200": lambda a: _column(a, 1e-200),
    "first column 1e10": lambda a: _column(a, 1e10),
    "all alike": np.ones_like,
    "short": lambda a: a[:-1],
    "long": lambda a: np.concatenate([a, a[-1:]]),
    "one entry": lambda a: a[:1],
    "no entry": lambda a: a[:0],
    "no column": lambda a: a[..., :0],
    "transposed": np.transpose,
    "reversed": lambda a: a[::-1],
    "repeated": lambda a: np.repeat(a, 2, axis=0),
    "another axis": lambda a: a[..., None],
    "an axis in front": lambda a: a[None],
    "flat": np.ravel,
    "matrix of one column": lambda a: np.asmatrix(a).T,
    "pandas with NA": lambda a: _as_pandas(_with(a, np.nan)),
    "sparse NaN": lambda a: scipy.sparse.csr_array(np.atleast_2d(_with(a, np.nan))),
}


def _with(array: Any, value: float) -> Any:
    copy = array.astype(float)
    copy.flat[copy.size // 2] = value
    return copy


def _row(array: Any, value: float) -> Any:
    copy = array.astype(float)
    copy[0] = value
    return copy


def _column(array: Any, value: float) -> Any:
    copy = array.astype(float)
    copy[..., 0] = value
    return copy


def _as_pandas(array: Any) -> Any:
    try:
        import pandas as pd
    except ImportError:
        return array
    return pd.DataFrame(array) if array.ndim == 2 else pd.Series(array)
