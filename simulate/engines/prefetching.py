"""Asking the memory for a row before it is needed: Numba has no word for it, LLVM has."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from simulate.engines.layout import LINE_BYTES
from simulate.numba_policy import compiled

LINES = 32
"""Cache lines fetched ahead."""


@intrinsic
def prefetch(typing_context: Any, array: Any, row: Any, column: Any) -> Any:
    """Fetch the cache line of array[row, column] for reading; changes nothing else."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type = signature.args[0]
        struct = context.make_array(array_type)(context, builder, arguments[0])
        place = cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
            context, builder, array_type, struct, list(arguments[1:]), wraparound=False
        )
        address = builder.bitcast(place, cgutils.voidptr_t)
        integer = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, integer, integer, integer])
        function = builder.module.declare_intrinsic("llvm.prefetch", (cgutils.voidptr_t,), kind)
        # for reading (0), to be used again soon (3), data (1)
        builder.call(function, [address, integer(0), integer(3), integer(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), generate


@compiled
def prefetch_start(array, row):  # type: ignore[no-untyped-def]
    """Fetch the first cache lines of a row; the machine goes on by itself once it is read.

    Measured at d = 1000: with A in memory a step takes 532 ns instead of 598; more lines, or the
    whole row, gain nothing there and lose a tenth where A is in the third-level cache.
    """
    step = LINE_BYTES // array.itemsize
    for column in range(0, min(array.shape[1], LINES * step), step):
        prefetch(array, row, column)  # type: ignore[call-arg]  # the context is Numba's
