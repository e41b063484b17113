"""The dataset: one written schema for theory, exact mean and simulation, and its files.

    schema          what makes a dataset one of ours
    judged          datasets that show their verdict first
    keepable        what files can keep without loss
    grid            one grid of times, and datasets that are made on it
    provenance      where a dataset comes from; `fingerprints` values as words that are theirs alone
    trees           datasets that belong together
    outputs         several outputs as one
    files           keeping them: as `netcdf`, or as a `zarr_folder`
    atomic          files that are complete and new, or as they were before
    claims          folders that belong to one configuration
    foreign         files of other programs, read by a process that can be given up

Schema (version 1; the docs' page "dataset schema" says the same at length)
- dims: `time`; `replicate` only where there are runs.
- coords: `time` (the caller's array, bit for bit), `iteration` (int64, rint(time·n), with d for
  n when rows are streamed), `epoch` (rows drawn/n), `learning_rate` (its value at that
  iteration, unless each run finds its own) and, where it changes, `batch_size`.
- variables: the same name means the same quantity in the same units, whatever the source. Suffixes
  `_gradient_flow`, `_error`, `_standard_deviation`, `_standard_error`, `_lower`, `_upper`.
- attrs: `Conventions`, `schema_version`, `source`, `problem` and `algorithm` (JSON), and more.
Everything that needs a time grid, in theory and simulation alike, takes it from `Grid`. Datasets
that belong together form a `tree`; `save` and `load` keep either as NetCDF or Zarr.
"""

from hsgd.dataset.atomic import write_atomically
from hsgd.dataset.files import check_writable, load, load_tree, save
from hsgd.dataset.grid import Grid, assemble, time_grid, times
from hsgd.dataset.judged import verdict_first
from hsgd.dataset.outputs import summed
from hsgd.dataset.schema import (
    CONVENTIONS,
    SCHEMA_VERSION,
    SOURCES,
    check,
    named_statistics,
    scalars,
    with_schema,
)
from hsgd.dataset.trees import tree

__all__ = [
    "CONVENTIONS",
    "SCHEMA_VERSION",
    "SOURCES",
    "Grid",
    "assemble",
    "check",
    "check_writable",
    "load",
    "load_tree",
    "named_statistics",
    "save",
    "scalars",
    "summed",
    "time_grid",
    "times",
    "tree",
    "verdict_first",
    "with_schema",
    "write_atomically",
]


def __dir__() -> list[str]:
    return sorted(__all__)
