"""Problems in files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hsgd.dataset import foreign
from hsgd.problems.least_squares import LeastSquares

ARRAYS = ("A", "b", "x0", "A_test", "b_test", "ridge")
"""What a data file may hold; `A` and `b` it must."""


def problem(file: str, ridge: float | None = None) -> LeastSquares:
    """The problem in a data file; a ridge that is given replaces the one there.

    Raises
    ------
    OSError, TypeError, ValueError
        If the file cannot be read, lacks an array, or holds something unusable.
    """
    path = Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}: check the path.")
    arrays = _read(path)
    missing = [name for name in ("A", "b") if name not in arrays]
    if missing:
        raise ValueError(
            f"{path} holds no array {' and no '.join(missing)} (of the "
            f"names {', '.join(ARRAYS)} it holds {', '.join(arrays) or 'none'}): save it with "
            "numpy.savez(FILE, A=A, b=b)."
        )
    if ("A_test" in arrays) != ("b_test" in arrays):
        raise ValueError(f"{path} holds only one of A_test and b_test: save both or neither.")
    if ridge is None:
        ridge = _scalar(path, arrays["ridge"]) if "ridge" in arrays else 0.0
    population = (arrays["A_test"], arrays["b_test"]) if "A_test" in arrays else None
    return LeastSquares(
        arrays["A"],
        arrays["b"],
        ridge=ridge,
        x0=arrays.get("x0"),
        population=population,
    )


def _scalar(path: Path, value: Any) -> Any:
    if np.size(value) != 1:
        raise ValueError(f"ridge in {path} has shape {np.shape(value)}: save one number.")
    return np.asarray(value).item()


def _read(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".npz":
        return _read_npz(path)
    if path.suffix in {".nc", ".nc4", ".h5", ".cdf"}:
        return foreign.read(path, ARRAYS)
    raise ValueError(
        f"{path} ends in {path.suffix or 'nothing'!r}: pass a .npz file (numpy.savez) or NetCDF "
        "(.nc)."
    )


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        # Never pickles: loading one runs whatever code it holds.
        with np.load(path, allow_pickle=False) as stored:
            for member in stored.zip.namelist():
                # Fails where the two places that hold a name differ: else an array would be lost.
                stored.zip.open(member).close()
            return {name: stored[name] for name in stored.files if name in ARRAYS}
    except Exception as error:  # damage shows in zip, zlib, header, or as a huge array
        raise ValueError(
            f"{path} cannot be read as .npz with plain arrays ({type(error).__name__}): save it "
            "again with numpy.savez."
        ) from error
