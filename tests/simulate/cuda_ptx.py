"""Run by test_cuda.py: compile every kernel of the CUDA engine to PTX, without a GPU."""

import re
from types import SimpleNamespace

import numba.cuda.dispatcher
from numba import cuda, types

from simulate.engines.cuda import dense, features, order, rules, sparse, streaming

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


def steps(stored):
    """Kernel → types of its arguments, where rows are stored as `stored`."""
    rows = (stored[::1], types.int32[::1], types.int32[::1], FLOATS)
    kind = (f8, f8, f8, INTS2)
    rule = (i8, FLOATS2, FLOATS, FLOATS2, *WINDOW, FLOATS2, FLOATS2, FLOATS2, FLOATS3, INTS)
    return {
        rules.follow_dense: (types.Tuple((stored[:, ::1], FLOATS, INTS2)), *rule),
        rules.follow_sparse: (types.Tuple((*rows, INTS2)), *rule),
        rules.follow_fresh: (
            types.Tuple((KEYS, FLOATS, FLOATS, f8, i8, stored[:, ::1])),
            *rule,
        ),
        rules.follow_features: (
            types.Tuple((KEYS, i8, FLOATS2, FLOATS, f8, f8, i8, FLOATS2, stored[:, ::1])),
            *rule,
        ),
        dense.dense_rows: (
            *(stored[:, ::1], FLOATS, *kind, *WINDOW),
            *(truth, FLOATS2, FLOATS2, *RESULTS),
        ),
        sparse.sparse_rows: (*rows, f8, INTS2, *WINDOW, truth, FLOATS2, FLOATS, *RESULTS),
        sparse.sparse_momentum: (*rows, *kind, *WINDOW, FLOATS2, FLOATS2, FLOATS2, *RESULTS),
        features.feature_rows: (
            *(KEYS, i8, FLOATS2, FLOATS, f8, f8, f8, i8, *WINDOW),
            *(FLOATS2, FLOATS2, stored[:, :, ::1], *RESULTS),
        ),
        streaming.fresh_rows: (
            *(KEYS, FLOATS, FLOATS, f8, f8, i8, *WINDOW),
            *(truth, FLOATS2, stored[:, :, ::1], *RESULTS),
        ),
    }


kernels = {
    value
    for module in (dense, features, order, rules, sparse, streaming)
    for value in vars(module).values()
    if isinstance(value, numba.cuda.dispatcher.CUDADispatcher)
    and not value.targetoptions.get("device")
}
assert kernels == {*ORDER, *steps(f8)}, kernels  # none is forgotten
for capability in ((7, 5), (8, 0), (9, 0)):
    # numba-cuda asks the current device for the capability of device functions; here is none.
    device = SimpleNamespace(compute_capability=capability)
    numba.cuda.dispatcher.get_current_device = lambda device=device: device
    for arguments in (ORDER, steps(f8), steps(types.float32)):
        for kernel, signature in arguments.items():
            ptx, _ = cuda.compile_ptx(kernel.py_func, signature, cc=capability)
            assert re.search(r"^\.target sm_{}{}\b".format(*capability), ptx, re.MULTILINE)
            assert ".entry" in ptx
            print(f"{kernel.py_func.__name__} {capability}: {len(ptx.splitlines())} lines of PTX")
