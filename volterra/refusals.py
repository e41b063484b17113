"""Why a method cannot answer a question: the reasons that several methods share.

Each is one sentence with the remedy, or empty; of reasons joined by `or` the first is given.
"""

from __future__ import annotations

from volterra.kernels.powers import SumOfPowers
from volterra.kernels.sums import Sum
from volterra.question import Question


def other_forcing(question: Question) -> str:
    """A method that knows modes only needs them in the forcing too, of the kernel's kind."""
    kind = type(question.kernel)
    if isinstance(question.forcing, kind):
        return ""
    other = "recursion" if kind is SumOfPowers else "collocation"
    return (
        f"this method needs a {kind.__name__} as forcing, got {type(question.forcing).__name__}: "
        f"pass method={other!r} for other kinds."
    )


def complex_kernel(question: Question) -> str:
    """A method that knows real modes only cannot take damped oscillations in the kernel."""
    if isinstance(question.kernel, Sum) and question.kernel.is_complex:
        return "the kernel is complex: pass method='companion' or 'auto'."
    return ""


def complex_forcing(question: Question) -> str:
    """The same in the forcing."""
    if isinstance(question.forcing, Sum) and question.forcing.is_complex:
        return "the forcing is complex: pass method='companion' or 'auto'."
    return ""
