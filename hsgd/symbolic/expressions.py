"""The standard symbols, and the one check that all symbolic input passes."""

from __future__ import annotations

from typing import Any

import sympy

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
    return result


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
