"""What is computed once for a noun, and forgotten with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

Noun = TypeVar("Noun")
Value = TypeVar("Value")


def kept(function: Callable[[Noun], Value]) -> Callable[[Noun], Value]:
    """Let a function of one frozen noun remember its value as long as the noun lives.

    For what a noun cannot keep by itself (`functools.cached_property`), because it must not know
    the room in which it is computed.
    """
    memory: WeakKeyDictionary[Noun, Value] = WeakKeyDictionary()

    @wraps(function)
    def remembered(noun: Noun) -> Value:
        if noun not in memory:
            memory[noun] = function(noun)
        return memory[noun]

    return remembered
