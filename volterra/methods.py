"""The table of methods, and which of them answers a question.

Each method says of itself what it takes and when it pays, where it is defined; what a method is,
and how to write one, says `question`. `auto` takes the first that applies and pays, so the order
of the table is the order of preference.
"""

from __future__ import annotations

from volterra import checks
from volterra.collocation.method import METHOD as COLLOCATION
from volterra.companion.method import METHOD as COMPANION
from volterra.compression.method import METHOD as COMPRESSED
from volterra.exact.method import METHOD as EXACT
from volterra.exact.segments import METHOD as SEGMENTS
from volterra.panels.method import METHOD as PANELS
from volterra.question import Method, Question
from volterra.recursion.method import METHOD as RECURSION

METHODS = (COMPRESSED, EXACT, SEGMENTS, COMPANION, RECURSION, COLLOCATION, PANELS)


def choose(question: Question, name: str) -> Method:
    """The method of that name, or the first worthwhile one for `auto`.

    Raises
    ------
    TypeError
        If no method takes such a kernel, or the named one does not take this question.
    ValueError
        If there is no method of that name.
    """
    _check_kernel(question.kernel)
    if isinstance(name, str) and name == "auto":
        return next(m for m in METHODS if m.applies(question) and m.worthwhile(question))
    method = next((m for m in METHODS if isinstance(name, str) and m.name == name), None)
    if method is None:
        names = ", ".join(map(repr, ("auto", *(m.name for m in METHODS))))
        raise ValueError(f"method must be one of {names}; got {checks.shown(name)}.")
    if not isinstance(question.kernel, method.kernels):
        raise TypeError(_wrong_kernel(method, question))
    if refusal := method.refusal(question):
        raise TypeError(refusal)
    return method


def _check_kernel(kernel: object) -> None:
    kinds = tuple(dict.fromkeys(kind for method in METHODS for kind in method.kernels))
    if not isinstance(kernel, kinds):
        raise TypeError(
            f"the kernel must be one of {', '.join(kind.__name__ for kind in kinds)}; got "
            f"{type(kernel).__name__}: approximate other kernels by a sum of exponentials."
        )


def _wrong_kernel(method: Method, question: Question) -> str:
    others = [repr(m.name) for m in METHODS if m.applies(question)]
    return (
        f"the {method.name} method needs a {' or '.join(k.__name__ for k in method.kernels)} as "
        f"kernel, got {type(question.kernel).__name__}: "
        f"pass method={' or method='.join(others)} instead."
    )
