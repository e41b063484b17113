"""The question as a compression sees it: with the long sums sorted once, to be made short often."""

from __future__ import annotations

from dataclasses import dataclass, replace

from volterra.compression.compress import Compressor
from volterra.kernels.exponentials import (
    ModalKernel,
    SumOfExponentials,
    TimeChanged,
    without_clock,
)
from volterra.question import Question
from volterra.solution import Forcing

# Where compressing begins to pay (benchmarks/volterra_scale.py prints the crossover): modes times
# modes and forcing terms for the exact method, modes for steps.
_LONG_PRODUCT = 200_000
_LONG_KERNEL = 10_000

# So many modes can be left uncompressed if need be: the exact method costs their square.
_AFFORDABLE_ROOTS = 8_000
_AFFORDABLE_MODES = 40_000


def is_long(forcing: Forcing, kernel: ModalKernel) -> bool:
    """Whether compressing costs less than it saves."""
    if isinstance(kernel, TimeChanged):
        return kernel.kernel.rates.size > _LONG_KERNEL
    modes = kernel.rates.size
    if not isinstance(forcing, SumOfExponentials):
        return modes > _LONG_KERNEL
    return modes * (modes + forcing.rates.size) > _LONG_PRODUCT


@dataclass(frozen=True, eq=False)
class LongQuestion(Question):
    """Forcing, kernel, times and tolerance as asked for, and the long sums to be compressed.

    Attributes
    ----------
    modes, terms
        Those of the kernel, without its clock, and of the forcing; none for a forcing that is not
        a sum.
    """

    kernel: ModalKernel
    modes: Compressor
    terms: Compressor | None

    @property
    def sum(self) -> SumOfExponentials:
        """The kernel without its clock."""
        return without_clock(self.kernel)

    @property
    def is_exact(self) -> bool:
        """Whether the exact method applies once both are short."""
        return isinstance(self.kernel, SumOfExponentials) and self.terms is not None

    @property
    def may_stay_long(self) -> bool:
        """Whether the modes are few enough to be left uncompressed if need be."""
        most = _AFFORDABLE_ROOTS if self.is_exact else _AFFORDABLE_MODES
        return self.sum.rates.size <= most

    def behind_clock(self, short: SumOfExponentials) -> ModalKernel:
        """The short kernel in the place of the long one, with its clock if there is one."""
        if isinstance(self.kernel, TimeChanged):
            return replace(self.kernel, kernel=short)
        return short
