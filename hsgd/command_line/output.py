"""What commands print and write: the verdict, a short table, files."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hsgd import dataset, plotting
from hsgd.dataset import files


class Failure(Exception):
    """Something that good input does not prevent; its text is one sentence."""


def add_files(parser: argparse.ArgumentParser) -> None:
    """Arguments that say where to write."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "--out",
        metavar="FILE",
        help="write the dataset there: NetCDF; Zarr if it ends in .zarr; a table if in .csv",
    )
    group.add_argument(
        "--plot", metavar="FIGURE", help="draw it there: .png, .svg or .pdf (needs matplotlib)"
    )
    group.add_argument("--verbose", action="store_true", help="print all numbers and attributes")


def check_form(path: Path) -> None:
    """Refuse a name that promises a format that is not written.

    Raises
    ------
    ValueError, ImportError
        With the endings that are.
    """
    if path.suffix != ".csv":
        files.check_form(path)


_waiting: list[str] = []
"""Warnings that have not been told yet: one of them may be the verdict."""


def keep_warning(message: Warning | str, *rest: object, **more: object) -> None:
    """A warning, to be told before the verdict."""
    _waiting.append(str(message))


def tell_warnings(known: str = "") -> None:
    """What was kept, a line each, but what is said anyway."""
    for message in _waiting:
        if message != known:
            print(f"warning: {in_words_of_the_shell(message)}", file=sys.stderr)
    _waiting.clear()


def verdict(sentence: str) -> None:
    """What is to be known first; the same sentence as a warning is not said twice."""
    tell_warnings(sentence)
    print(in_words_of_the_shell(sentence))


_SHELL = {
    "num_replicates=": "--replicates ",
    "same_algorithm=False": "--any-algorithm",
    "method='discrete'": "--method discrete",
    "method='hsgd'": "--method hsgd",
    "discrepancy=": "--discrepancy ",
    "sampling='with_replacement'": "--sampling with_replacement",
    "compare(theory, runs)": "hsgd compare THEORY RUNS",
}
"""What sentences of the functions call options, and what they are called here."""


def in_words_of_the_shell(sentence: str) -> str:
    """A sentence for Python with the options of the commands in it."""
    sentence = re.sub(r"SGD\(learning_rate=([^)]*)\)", r"--learning-rate \1", sentence)
    for python, shell in _SHELL.items():
        sentence = sentence.replace(python, shell)
    return sentence


def table(columns: Mapping[str, Mapping[str, str]]) -> None:
    """Column name → row name → words, aligned; a column may lack rows."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    widths = [max(map(len, (title, *column.values()))) for title, column in columns.items()]
    first = max(map(len, names), default=0)
    titles = "  ".join(f"{title:>{w}}" for title, w in zip(columns, widths, strict=True))
    print(f"{'':{first}}  {titles}".rstrip())
    for name in names:
        cells = (
            f"{col.get(name, ''):>{w}}" for col, w in zip(columns.values(), widths, strict=True)
        )
        print(f"{name:{first}}  {'  '.join(cells)}".rstrip())


def scalars(variables: Mapping[Any, Any]) -> None:
    """Each variable with its value, all digits that matter."""
    width = max(len(str(name)) for name in variables)
    for name, variable in variables.items():
        print(f"  {name!s:{width}s} {float(variable):.6g}")


def attributes(result: Any) -> None:
    """The attributes of a dataset, a line each."""
    for name, value in result.attrs.items():
        print(f"  {name}: {value}")


def finish(result: Any, options: argparse.Namespace, *drawn_with: Any) -> None:
    """Write the dataset where `--out` says, and draw it, with others, where `--plot` says.

    Raises
    ------
    Failure
        If the disk does not let it.
    """
    try:
        if options.out is not None:
            print(f"written: {_write(result, Path(options.out))}")
        if options.plot is not None:
            print(f"drawn: {plotting.save(options.plot, result, *drawn_with)}")
    except OSError as error:
        raise Failure(str(error)) from error


def _write(result: Any, path: Path) -> Path:
    if path.suffix != ".csv":
        return dataset.save(result, path)
    text = result.to_dataframe().to_csv()
    dataset.write_atomically(path, text.encode())
    return path
