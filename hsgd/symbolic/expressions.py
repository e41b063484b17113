"""The standard symbols, and the one check that all symbolic input passes."""

from __future__ import annotations

from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from hsgd.checks import shown

LEARNING_RATE = sympy.Symbol("gamma", positive=True)
RIDGE = sympy.Symbol("delta", nonnegative=True)
BATCH_SIZE = sympy.Symbol("B", positive=True)
NUM_ROWS = sympy.Symbol("n", positive=True)
TIME = sympy.Symbol("t", nonnegative=True)
LAG = sympy.Symbol("tau", nonnegative=True)
LAPLACE_VARIABLE = sympy.Symbol("s")
NOISE = sympy.Symbol("eta", nonnegative=True)
FLOOR = sympy.Symbol("L_infty", nonnegative=True)


def formula(name: str, value: Any) -> sympy.Expr:
    """`value` as a SymPy expression of any kind.

    Raises
    ------
    TypeError
        For text and other objects.
    """
    try:
        result = sympy.sympify(value, strict=True)  # not strict, a text is evaluated as code
    except Exception:  # of whatever __float__ raises, too
        result = None
    if not isinstance(result, sympy.Expr):
        raise TypeError(
            f"{name} is {shown(value)}: pass a number or a SymPy expression, for example "
            f"sympy.Symbol({name!r}, positive=True)."
        )
    # Names would reach the code that SymPy writes, and run there.
    unknown = sorted({type(f).__name__ for f in result.atoms(sympy.Function) if not _is_known(f)})
    if unknown:
        raise ValueError(
            f"{name} has the function {unknown[0][:40]!r}, which is not one of SymPy's: "
            "write it in terms of these."
        )
    return result


def _is_known(function: sympy.Expr) -> bool:
    own = str(type(function).__module__).startswith("sympy.")
    return own and not isinstance(function, AppliedUndef)


def expression(name: str, value: Any, *, positive: bool = False) -> sympy.Expr:
    """`value` as a SymPy expression; numbers must be finite and ≥ 0 (`positive`: > 0).

    Raises
    ------
    TypeError, ValueError
        For text, other objects, and expressions that are known to be negative or not finite.
    """
    result = formula(name, value)
    negative = result.is_positive is False if positive else result.is_nonnegative is False
    if result.is_finite is False or negative:
        relation = "greater than" if positive else "at least"
        raise ValueError(f"{name} is {result}, but it must be finite and {relation} 0.")
    return result
