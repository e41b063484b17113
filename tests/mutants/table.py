"""All mutants. Each file of this folder that ends in `_bugs` has those of one package."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = tuple(
    mutant
    for path in sorted(Path(__file__).parent.glob("*_bugs.py"))
    for mutant in import_module(f"tests.mutants.{path.stem}").MUTANTS
)
