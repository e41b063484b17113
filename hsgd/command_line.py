"""What the commands `python -m hsgd` and `python -m simulate` share: data, options, exit codes.

Exit codes: 0, done; 2, bad input, with one sentence on stderr that says what to do; 1, anything
unexpected. This module belongs to the floor and knows neither the theory nor the simulation.
"""

from __future__ import annotations

import argparse
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsgd import checks, dataset, plotting
from hsgd.algorithms.base import SAMPLINGS
from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array
from hsgd.dataset import foreign
from hsgd.dataset.files import check_form
from hsgd.plotting.figure import check_target
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import Constant, CosineDecay, PowerDecay, Schedule

ARRAYS = ("A", "b", "x0", "A_test", "b_test", "ridge")
"""What a data file may hold; `A` and `b` it must."""


def add_data(parser: argparse.ArgumentParser) -> None:
    """Arguments that say which problem."""
    group = parser.add_argument_group("problem")
    group.add_argument(
        "file",
        metavar="FILE",
        help="data: .npz or NetCDF (.nc) with arrays A (n, d) and b (n,); optional x0 (d,), "
        "A_test and b_test (held-out rows), ridge",
    )
    group.add_argument("--ridge", type=float, help="ridge of the sum objective (default: FILE's)")


def add_algorithm(parser: argparse.ArgumentParser, *, fraction: bool) -> None:
    """Arguments that say which SGD; `fraction` of critical only where the theory is known."""
    group = parser.add_argument_group("algorithm")
    rate = group.add_mutually_exclusive_group(required=True)
    rate.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="the literal factor of a step"
    )
    if fraction:
        rate.add_argument(
            "--fraction", type=float, help="learning rate as a fraction of the critical one"
        )
    group.add_argument(
        "--schedule",
        default="constant",
        metavar="NAME",
        help="constant; power:EXPONENT[:TIMESCALE], rate (1 + t/TIMESCALE)^-EXPONENT; or "
        "cosine[:FINAL], down to FINAL at the last time (default: constant)",
    )
    group.add_argument("--batch-size", type=int, default=1, metavar="B", help="rows a step")
    group.add_argument("--sampling", default="with_replacement", help=", ".join(SAMPLINGS))


def add_curve(parser: argparse.ArgumentParser) -> None:
    """Arguments that say when and what to record, and where to write it."""
    group = parser.add_argument_group("curve")
    group.add_argument(
        "--epochs", type=float, default=20.0, metavar="T", help="passes over the data (default: 20)"
    )
    group.add_argument(
        "--num-times", type=int, default=201, metavar="N", help="number of times (default: 201)"
    )
    group.add_argument(
        "--log", action="store_true", help="0, then logarithmic from the first iteration on"
    )
    group.add_argument(
        "--statistics",
        nargs="+",
        metavar="NAME",
        help="empirical_risk, population_risk, distance (default: all that FILE allows)",
    )
    group.add_argument(
        "--out", metavar="FILE", help="write the dataset there: NetCDF, or Zarr if it ends in .zarr"
    )
    group.add_argument(
        "--plot", metavar="FIGURE", help="draw it there: .png, .svg or .pdf (needs matplotlib)"
    )


def problem(options: argparse.Namespace) -> LeastSquares:
    """The problem in a data file.

    Raises
    ------
    OSError, TypeError, ValueError
        If the file cannot be read, lacks an array, or holds something unusable.
    """
    path = Path(options.file)
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
    ridge = options.ridge
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


def times(options: argparse.Namespace, problem: LeastSquares) -> Array:
    """The times to record, in units of n iterations; an epoch is 1/B of a unit.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two, or they end before the first iteration.
    """
    batch_size = checks.integer("--batch-size", options.batch_size, minimum=1)
    count = checks.integer("--num-times", options.num_times, minimum=2)
    end = checks.number("--epochs", options.epochs, strict=True) / batch_size
    if not options.log:
        return np.linspace(0.0, end, count)
    first = 1.0 / problem.num_rows
    if end <= first:
        raise ValueError(
            f"--epochs {options.epochs:g} ends before the second iteration: choose more."
        )
    return np.concatenate(([0.0], np.geomspace(first, end, count - 1)))


def algorithm(
    options: argparse.Namespace,
    problem: LeastSquares,
    critical: Callable[..., float] | None = None,
) -> SGD:
    """The algorithm; `critical` is the function that `--fraction` refers to.

    Raises
    ------
    TypeError, ValueError
        For anything that `SGD` refuses, an unknown schedule, or a batch that is too large.
    """
    batch = {"batch_size": options.batch_size, "sampling": options.sampling}
    rate = options.learning_rate
    if rate is None:
        assert critical is not None
        fraction = checks.number("--fraction", options.fraction)
        rate = fraction * critical(problem, **batch)
    end = options.epochs / max(options.batch_size, 1) if "epochs" in options else None
    result = SGD(_schedule(options.schedule, rate, end), **batch)
    result.check_batch(problem.num_rows)
    return result


def _schedule(words: str, rate: float, end: float | None) -> Schedule:
    name, *texts = words.split(":")
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = [np.nan] * 9
    match name, numbers:
        case "constant", []:
            return Constant(rate)
        case "power", [exponent]:
            return PowerDecay(rate, exponent)
        case "power", [exponent, timescale]:
            return PowerDecay(rate, exponent, timescale)
        case "cosine", [] if end is not None:
            return CosineDecay(rate, end)
        case "cosine", [final] if end is not None:
            return CosineDecay(rate, end, final)
    raise ValueError(
        f"--schedule is {words!r}: write constant, power:EXPONENT, power:EXPONENT:TIMESCALE, "
        "cosine or cosine:FINAL."
    )


class Failure(Exception):
    """Something that good input does not prevent; its text is one sentence."""


def finish(result: Any, options: argparse.Namespace, *drawn_with: Any) -> None:
    """Write the dataset where `--out` says, and draw it, with others, where `--plot` says."""
    try:
        if options.out is not None:
            print(f"written: {dataset.save(result, options.out)}")
        if options.plot is not None:
            print(f"drawn: {plotting.save(options.plot, result, *drawn_with)}")
    except OSError as error:
        raise Failure(str(error)) from error


def execute(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    act: Callable[[argparse.Namespace], None],
) -> int:
    """Parse the arguments, check the output's place, act; give the exit code.

    Warnings become one line on stderr.
    """
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stopped:  # argparse has printed help (0) or the mistake (2)
        return int(stopped.code or 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            if getattr(options, "out", None) is not None:
                check_form(dataset.check_writable(options.out))
            if getattr(options, "plot", None) is not None:
                check_target(options.plot)
            act(options)
    except (TypeError, ValueError, OSError, MemoryError, ImportError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except (Failure, KeyboardInterrupt) as stopped_by:
        print(f"{parser.prog}: {str(stopped_by) or 'interrupted.'}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _show_warning(message: Warning | str, *rest: object, **more: object) -> None:
    print(f"warning: {message}", file=sys.stderr)
