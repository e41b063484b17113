"""A step that one thread takes on the CPU and a block of threads on the GPU, written once.

On the GPU every thread runs the step, and owns some entries of each vector: it alone changes them.
What it needs of the others it asks for here; `crew` is what they share. These functions are what
that means for a thread alone, and `engines.cuda.device` knows them for a block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IN_A_BLOCK: dict[Callable[..., Any], Callable[..., Any]] = {}
"""Functions that have another form in a block of threads, and that form."""


own = range
"""`own(size)`: the entries that this thread owns, of a vector of that size.

The very word, not a function: compilers make vectors of loops over a range that they see.
"""


def total(crew: Any, part: Any) -> Any:
    """The sum of every thread's part, for every thread; all wait until all have given theirs."""
    return part


def leads(crew: Any) -> bool:
    """Whether this is the one thread that changes what nobody owns."""
    return True


def in_a_block(alone: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the form that function `alone` takes in a block of threads.

    For what is cheaper otherwise there: a block waits for every sum.
    """

    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        IN_A_BLOCK[alone] = function
        return function

    return keep
