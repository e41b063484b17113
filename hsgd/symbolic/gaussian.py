"""Gaussian expectations in closed form, for a class of functions that is closed under products.

The class: sums of x^k e^{ax+bx²} with up to two factors erf(αx+β), and such functions without erf
on pieces of the line (Max, Abs, sign, Heaviside, Piecewise). Exponentials are absorbed by
completing the square, powers by Stein's identity E x f(x) = E f'(x), half-lines by the recursion
of truncated moments. SymPy's own integrals are slower and know less here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import sympy

from hsgd.checks import shown
from hsgd.symbolic.expressions import formula

_Erf = tuple[sympy.Expr, sympy.Expr]


class NoClosedForm(ValueError):
    """The expectation has no closed form that is known here."""


class _Term(NamedTuple):
    """coefficient · x^power · e^{linear·x + square·x²} · Π erf(α x + β)."""

    coefficient: sympy.Expr
    power: int
    linear: sympy.Expr
    square: sympy.Expr
    erfs: tuple[_Erf, ...]


def gaussian_expectation(expression: Any, variable: sympy.Symbol | None = None) -> sympy.Expr:
    """E f(g) for g ~ N(0, 1), exactly.

    Parameters
    ----------
    expression
        f: polynomials, exponentials of quadratics, sin, cos, sinh, cosh, products of up to two erf
        with these; pieces (Max, Abs, sign, Heaviside, Piecewise) of all but erf, with numbers as
        ends. Other parameters may be symbols.
    variable
        The Gaussian variable; omitted if the expression has only one symbol.

    Returns
    -------
    sympy.Expr

    Raises
    ------
    NoClosedForm
        For other functions: take `hsgd.hermite` instead.
    ValueError
        If the expectation is infinite, or it is not clear which symbol is the variable.

    Examples
    --------
    >>> x = sympy.Symbol("x")
    >>> gaussian_expectation(sympy.erf(x) ** 2)
    2*asin(2/3)/pi
    """
    f, x = prepared(expression, variable)
    total = sympy.Integer(0)
    for piece, lower, upper in pieces(f, x):
        # Products of trigonometric functions are sums of exponentials, real only in the end.
        for term in sympy.Add.make_args(sympy.expand(_exponential(piece))):
            total += _expectation(_parse(term, x), lower, upper)
    total = sympy.expand(total)
    return sympy.simplify(total) if total.has(sympy.I) else total


def prepared(expression: Any, variable: sympy.Symbol | None) -> tuple[sympy.Expr, sympy.Symbol]:
    """The expression in a real variable, and that variable."""
    f = formula("expression", expression)
    if variable is None:
        if len(f.free_symbols) > 1:
            names = ", ".join(sorted(map(str, f.free_symbols)))
            raise ValueError(
                f"the expression has several symbols ({names}): name the variable (variable=...)."
            )
        variable = next(iter(f.free_symbols), sympy.Symbol("x"))
    # A text would be evaluated as code by SymPy.
    elif not isinstance(variable, sympy.Symbol):
        raise TypeError(f"variable is {shown(variable)}: pass the sympy.Symbol, or leave it out.")
    if f.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise ValueError(f"the expression is {shown(f)}: pass one that is finite.")
    real = sympy.Dummy("x", real=True)
    return f.subs(variable, real), real


def pieces(f: sympy.Expr, x: sympy.Symbol) -> list[tuple[sympy.Expr, sympy.Expr, sympy.Expr]]:
    """(expression, lower end, upper end) of each smooth piece of f."""
    if not f.has(*_PIECEWISE):
        return [(f, -sympy.oo, sympy.oo)]
    folded = sympy.piecewise_fold(f.rewrite(sympy.Piecewise))
    if not isinstance(folded, sympy.Piecewise):
        return [(folded, -sympy.oo, sympy.oo)]
    found = []
    try:
        parts = folded.as_expr_set_pairs()
    except NotImplementedError:
        raise NoClosedForm(
            f"SymPy cannot find the pieces of {f}: substitute numbers for parameters in them."
        ) from None
    for expression, where in parts:
        for part in where.args if isinstance(where, sympy.Union) else (where,):
            if isinstance(part, sympy.Interval):
                found.append((expression, part.start, part.end))
    return found


_PIECEWISE = (sympy.Max, sympy.Min, sympy.Abs, sympy.sign, sympy.Heaviside, sympy.Piecewise)
_OSCILLATING = (sympy.sin, sympy.cos, sympy.sinh, sympy.cosh)


def _exponential(f: sympy.Expr) -> sympy.Expr:
    for function in _OSCILLATING:
        f = f.replace(function, lambda u, function=function: function(u).rewrite(sympy.exp))
    return f


def _parse(term: sympy.Expr, x: sympy.Symbol) -> _Term:
    """A product as a `_Term`, or `NoClosedForm`."""
    coefficient, exponent, power = sympy.Integer(1), sympy.Integer(0), 0
    erfs: list[_Erf] = []
    for factor in sympy.Mul.make_args(term):
        base, times = factor.as_base_exp() if isinstance(factor, sympy.Pow) else (factor, 1)
        if not factor.has(x):
            coefficient *= factor
        elif base == x and _is_count(times):
            power += int(times)
        elif isinstance(factor, sympy.exp):
            exponent += factor.exp
        elif isinstance(base, sympy.erf) and _is_count(times):
            a, b = _polynomial(base.args[0], x, 1)
            erfs += [(a, b)] * int(times)
        else:
            raise NoClosedForm(f"no closed form is known for the Gaussian mean of {term}.")
    square, linear, constant = _polynomial(exponent, x, 2)
    return _Term(coefficient * sympy.exp(constant), power, linear, square, tuple(erfs))


def _is_count(number: Any) -> bool:
    value = sympy.sympify(number)
    return bool(value.is_Integer and value > 0)


def _polynomial(f: sympy.Expr, x: sympy.Symbol, degree: int) -> list[sympy.Expr]:
    """Coefficients, highest first, padded to `degree`."""
    polynomial = sympy.Poly(f, x) if f.is_polynomial(x) else None
    if polynomial is None or polynomial.degree() > degree:
        raise NoClosedForm(f"no closed form is known with {f} in an exponential or erf.")
    found = list(polynomial.all_coeffs())
    return [sympy.Integer(0)] * (degree + 1 - len(found)) + found


def _expectation(term: _Term, lower: sympy.Expr, upper: sympy.Expr) -> sympy.Expr:
    """E of a term on an interval, by completing the square: g = mean + √variance·y."""
    if (1 - 2 * term.square).is_positive is not True:
        raise ValueError("the expectation is infinite: the function grows like e^{x²/2} or faster.")
    variance = 1 / (1 - 2 * term.square)
    mean, spread = term.linear * variance, sympy.sqrt(variance)
    erfs = tuple((a * spread, a * mean + b) for a, b in term.erfs)
    ends = (lower - mean) / spread, (upper - mean) / spread
    whole = lower == -sympy.oo and upper == sympy.oo
    if not whole and (erfs or mean.is_real is not True):
        raise NoClosedForm("no closed form is known for erf, sin or cos on part of the line.")
    total = sympy.Integer(0)
    for k in range(term.power + 1):
        moment = _moment(k, erfs) if whole else _truncated_moment(k, *ends)
        ways = sympy.binomial(term.power, k)
        total += ways * mean ** (term.power - k) * spread**k * moment
    return term.coefficient * spread * sympy.exp(term.linear * mean / 2) * total


@lru_cache(maxsize=4096)  # consecutive Hermite orders share all their moments
def _moment(k: int, erfs: tuple[_Erf, ...]) -> sympy.Expr:
    """E y^k Π erf(α y + β), by Stein's identity until no power is left."""
    if k == 0:
        return _erf_mean(erfs)
    total = (k - 1) * _moment(k - 2, erfs) if k >= 2 else sympy.Integer(0)
    for i, (a, b) in enumerate(erfs):
        others = erfs[:i] + erfs[i + 1 :]
        height = 2 * a / sympy.sqrt(sympy.pi) * sympy.exp(-(b**2))
        slope = _Term(height, k - 1, -2 * a * b, -(a**2), others)
        total += _expectation(slope, -sympy.oo, sympy.oo)
    return total


def _erf_mean(erfs: tuple[_Erf, ...]) -> sympy.Expr:
    if not erfs:
        return sympy.Integer(1)
    if len(erfs) == 1:
        ((a, b),) = erfs
        return sympy.erf(b / sympy.sqrt(1 + 2 * a**2))
    if len(erfs) == 2 and all(b == 0 for _, b in erfs):
        (a, _), (c, _) = erfs
        correlation = 2 * a * c / sympy.sqrt((1 + 2 * a**2) * (1 + 2 * c**2))
        return 2 / sympy.pi * sympy.asin(sympy.simplify(correlation))
    raise NoClosedForm("no closed form is known for this product of error functions.")


@lru_cache(maxsize=4096)
def _truncated_moment(k: int, lower: sympy.Expr, upper: sympy.Expr) -> sympy.Expr:
    """∫ y^k over the interval with the Gaussian weight: J_k = (k−1) J_{k−2} + boundary terms."""

    def boundary(power: int, y: sympy.Expr) -> sympy.Expr:
        if y.is_infinite:
            return sympy.Integer(0)
        return y**power * sympy.exp(-(y**2) / 2) / sympy.sqrt(2 * sympy.pi)

    if k == 0:
        return (sympy.erf(upper / sympy.sqrt(2)) - sympy.erf(lower / sympy.sqrt(2))) / 2
    edge = boundary(k - 1, lower) - boundary(k - 1, upper)
    return edge + ((k - 1) * _truncated_moment(k - 2, lower, upper) if k >= 2 else 0)
