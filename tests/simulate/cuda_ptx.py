"""Run by test_cuda.py: compile every kernel of the CUDA engine to PTX, without a GPU."""

import re
from types import SimpleNamespace

import numba.cuda.dispatcher
from numba import cuda, types

from simulate.engines.cuda import dense, features, order, sparse, steps, streaming, with_rule
from simulate.engines.cuda.rows import KINDS
from simulate.rules.registry import rules

i8, f8, truth = types.int64, types.float64, types.boolean
INTS, FLOATS, KEYS = i8[::1], f8[::1], types.uint64[:, ::1]
INTS2, FLOATS2, FLOATS3 = i8[:, ::1], f8[:, ::1], f8[:, :, ::1]
WINDOW = (i8, FLOATS, INTS, INTS, i8)
RESULTS = (FLOATS2, FLOATS3, INTS)
ORDER = {
    order.draw_independent: (KEYS, i8, i8, INTS2),
    order.draw_subsets: (KEYS, i8, i8, INTS, INTS2, INTS2, INTS2),
    order.draw_permutations: (KEYS, i8, truth, i8, INTS, INTS2, INTS2, INTS2),
}


STEPS = (types.UniTuple(f8, 3), *WINDOW, truth, FLOATS2, *RESULTS)


def of_rule(rule):
    """Types of what a rule's kernel is given."""
    numbers, given = {"ridge", "spread", "noise_variance"}, rule.Given
    read = types.NamedTuple([f8 if name in numbers else FLOATS for name in given._fields], given)
    return (read, *WINDOW, FLOATS2, FLOATS2, FLOATS2, FLOATS3, INTS)


def on_rows(stored):
    """Kernel → types of its arguments, where rows are stored as `stored`."""
    room = stored[:, :, ::1]
    of_sparse = (stored[::1], types.int32[::1], types.int32[::1], FLOATS, INTS2)
    kinds = {
        dense.KIND: (stored[:, ::1], FLOATS, INTS2),
        sparse.KIND: of_sparse,
        sparse.WITH_MOMENTUM: of_sparse,
        sparse.WITH_RULE: of_sparse,
        streaming.KIND: (KEYS, FLOATS, FLOATS, f8, i8, room),
        features.KIND: (KEYS, i8, FLOATS2, FLOATS, f8, f8, i8, FLOATS2, room),
    }
    taking_steps = {
        steps.kernel(kind): (types.Tuple(kinds[kind]), *STEPS) for kind in KINDS if kind.move
    }
    following_rules = {
        with_rule.kernel(kind, rule): (types.Tuple(kinds[kind]), *of_rule(rule))
        for kind in KINDS
        if kind.add
        for rule in rules()
    }
    return taking_steps | following_rules


kernels = {
    value
    for value in vars(order).values()
    if isinstance(value, numba.cuda.dispatcher.CUDADispatcher)
    and not value.targetoptions.get("device")
}
assert kernels == {*ORDER}, kernels  # none is forgotten
for capability in ((7, 5), (8, 0), (9, 0)):
    # numba-cuda asks the current device for the capability of device functions; here is none.
    device = SimpleNamespace(compute_capability=capability)
    numba.cuda.dispatcher.get_current_device = lambda device=device: device
    for arguments in (ORDER, on_rows(f8), on_rows(types.float32)):
        for kernel, signature in arguments.items():
            ptx, _ = cuda.compile_ptx(kernel.py_func, signature, cc=capability)
            assert re.search(r"^\.target sm_{}{}\b".format(*capability), ptx, re.MULTILINE)
            assert ".entry" in ptx
            print(f"{kernel.py_func.__name__} {capability}: {len(ptx.splitlines())} lines of PTX")
