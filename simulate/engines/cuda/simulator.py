"""What kernels know as `cuda` where Numba simulates a GPU.

The simulator puts its own `cuda` into a device function's module when a thread enters the function,
and takes it away when a thread leaves it, although others may still be inside. Here every thread
asks for it anew; and one at a time asks for shared memory, of which two could get one each.
"""

from __future__ import annotations

import importlib
import threading
from typing import Any


class Shared:
    """Shared memory: of each kernel one static array, and the dynamic one."""

    def __init__(self, cuda: Simulated) -> None:
        self._cuda, self._lock = cuda, threading.Lock()

    def array(self, shape: Any, dtype: Any) -> Any:
        """The block's array."""
        with self._lock:
            return self._cuda.context().shared.array(shape, dtype)


class Simulated:
    """`numba.cuda` outside of kernels, and inside them what the simulator has in its place."""

    def __init__(self, outside: Any) -> None:
        self._outside = outside
        self._kernel = importlib.import_module("numba.cuda.simulator.kernel")
        self.shared = Shared(self)

    def context(self) -> Any:
        """The running kernel's `cuda`; None where none is running."""
        return self._kernel._get_kernel_context()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context() or self._outside, name)
