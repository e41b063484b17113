"""Run by test_cuda.py: compile every kernel of the CUDA engine to PTX, without a driver or a GPU.

Usage: python cuda_ptx.py MAJOR MINOR
"""

import re
import sys
from types import SimpleNamespace

import numba.cuda.dispatcher
from numba import cuda, types

from simulate.engines import cuda as engine

CC = (int(sys.argv[1]), int(sys.argv[2]))
# numba-cuda asks the current device for the capability of device functions; here is none.
numba.cuda.dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=CC)

i8, f8 = types.int64, types.float64
KEYS, INTS, FLOATS = types.uint64[:, ::1], i8[::1], f8[::1]
INTS2, FLOATS2 = i8[:, ::1], f8[:, ::1]


def signatures(stored):
    """Kernel → types of its arguments, where rows are stored as `stored`."""
    order = (KEYS, i8, i8, i8, i8, INTS, INTS2, INTS2, INTS2, INTS, INTS2)
    fresh = (KEYS, FLOATS, FLOATS, f8, f8, i8, i8, FLOATS, INTS)
    parameters = (FLOATS2, FLOATS2, FLOATS2, INTS)
    state = (FLOATS2, stored[:, :, ::1], FLOATS2, INTS)
    return {
        "draw_independent": (KEYS, i8, i8, INTS2),
        "draw_in_order": order,
        "read_rows": (stored[:, ::1], FLOATS, f8, f8, f8, INTS2, i8, FLOATS, INTS, *parameters),
        "make_rows": fresh + state,
    }


kernels = {
    name
    for name, value in vars(engine).items()
    if isinstance(value, numba.cuda.dispatcher.CUDADispatcher)
    and not value.targetoptions.get("device")
}
assert kernels == set(signatures(f8)), kernels  # none is forgotten
for stored in (f8, types.float32):
    for name, arguments in signatures(stored).items():
        ptx, _ = cuda.compile_ptx(getattr(engine, name).py_func, arguments, cc=CC)
        assert re.search(rf"^\.target sm_{CC[0]}{CC[1]}\b", ptx, re.MULTILINE)
        assert ".entry" in ptx
        print(f"{name} {stored} {CC}: {len(ptx.splitlines())} lines of PTX")
