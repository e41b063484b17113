"""The engines, all behind the protocol of `base`, looked up by name here.

base         what an engine is, and how to write the next one
driver       runs replicates that are objects
reference    plain NumPy, obvious and slow: the definition of the others
cpu/         compiled by Numba, one replicate per thread
cuda/        one block of threads per replicate
"""

from __future__ import annotations

import importlib

from simulate.engines.base import Engine

_HOMES = {
    "reference": "simulate.engines.reference",
    "cpu": "simulate.engines.cpu.engine",
    "cuda": "simulate.engines.cuda",
}

NAMES = ("auto", *_HOMES)
"""What may be asked for; "auto" is the CPU's engine: the GPU's has not been measured yet."""


def resolve(name: str) -> str:
    """The engine that a name stands for."""
    return "cpu" if name == "auto" else name


def load(name: str) -> Engine:
    """The engine, its module imported now and not before: compilers are slow to import."""
    engine: Engine = importlib.import_module(_HOMES[name]).run
    return engine
