"""Hermite expansions of activations as formulas, and activations made from expressions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy

from hsgd import hermite
from hsgd.activations import Activation
from hsgd.checks import Array, integer, shown
from hsgd.symbolic.gaussian import NoClosedForm, gaussian_expectation, pieces, prepared


@dataclass(frozen=True)
class HermiteExpansion:
    """φ = Σ_k c_k He_k/√k! up to some order, and what it leaves out."""

    coefficients: tuple[sympy.Expr, ...]
    """The c_0, c_1, …, exact expressions, or numbers if there is no closed form."""
    nonlinear_variance: sympy.Expr
    """What random features need beside c_0 and c_1, E φ(g)² − c_0² − c_1²."""
    error: float
    """0 if all is exact, else a bound on the error of the numbers."""

    @property
    def exact(self) -> bool:
        """Whether every entry is a closed form."""
        return self.error == 0

    def latex(self) -> str:
        """The coefficients and the nonlinear variance as LaTeX."""
        named = [f"c_{{{k}}} = {sympy.latex(c)}" for k, c in enumerate(self.coefficients)]
        return ",\\quad ".join([*named, f"\\mu_*^2 = {sympy.latex(self.nonlinear_variance)}"])

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def hermite_expansion(
    activation: Any, order: int = 1, variable: sympy.Symbol | None = None
) -> HermiteExpansion:
    """Normalised Hermite coefficients c_k = E φ(g) He_k(g)/√k! of an expression.

    Parameters
    ----------
    activation
        φ as a SymPy expression in one variable.
    order
        The largest k.
    variable
        The variable, if the expression has parameters too.

    Returns
    -------
    HermiteExpansion
        Exact for what `gaussian_expectation` knows: ReLU, erf, GELU, polynomials, … Otherwise by
        quadrature, with an error.

    Raises
    ------
    TypeError, ValueError
        For what is no expression, has parameters but no closed form, or is not square-integrable.

    References
    ----------
    docs, symbolic page, "Activations".

    Examples
    --------
    >>> x = sympy.Symbol("x")
    >>> hermite_expansion(sympy.Max(x, 0), 2).coefficients
    (sqrt(2)/(2*sqrt(pi)), 1/2, 1/(2*sqrt(pi)))
    """
    highest = integer("order", order, minimum=0, maximum=1000)
    f, x = prepared(activation, variable)
    try:
        found = [_coefficient(f, x, k) for k in range(max(highest, 1) + 1)]
        variance = sympy.expand(gaussian_expectation(f**2, x) - found[0] ** 2 - found[1] ** 2)
        return HermiteExpansion(tuple(found[: highest + 1]), variance, 0.0)
    except NoClosedForm:
        if f.atoms(sympy.Symbol) - {x}:  # those of sums and integrals, too
            raise
    numeric = _numeric(f, x, "expression")
    values, constants = hermite.coefficients(numeric, highest), hermite.constants(numeric)
    return HermiteExpansion(
        tuple(sympy.Float(value) for value in values.values),
        sympy.Float(constants.nonlinear_variance),
        max(values.error, constants.error),
    )


def activation(
    expression: Any, name: str = "expression", variable: sympy.Symbol | None = None
) -> Activation:
    """An `hsgd.activations.Activation` from an expression, with its closed forms where they exist.

    Examples
    --------
    >>> x = sympy.Symbol("x")
    >>> gelu = activation(x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2, "gelu")
    >>> round(hermite.constants(gelu).mean, 12)  # 1/(2√π)
    0.282094791774
    """
    f, x = prepared(expression, variable)
    if f.atoms(sympy.Symbol) - {x}:  # those of sums and integrals, too
        raise ValueError(
            f"the expression {shown(expression)} has parameters besides its variable: substitute "
            "numbers for them first."
        )
    try:
        variance = hermite_expansion(f, 1, x).nonlinear_variance
        _coefficient(f, x, 2)
    except NoClosedForm:
        return _numeric(f, x, name)
    if variance.is_Float:
        return _numeric(f, x, name)

    @cache
    def one(k: int) -> float:
        # The closed forms of high orders cancel in double precision.
        return float(_coefficient(f, x, k).evalf(30))

    def exact(order: int) -> Array:
        return np.array([one(k) for k in range(order + 1)])

    numeric = _numeric(f, x, name)
    return Activation(
        name,
        numeric.function,
        numeric.breakpoints,
        exact_coefficients=exact,
        exact_nonlinear_variance=float(variance.evalf(30)),
    )


def _coefficient(f: sympy.Expr, x: sympy.Symbol, k: int) -> sympy.Expr:
    product = f * sympy.hermite_prob(k, x)
    return sympy.expand(gaussian_expectation(product, x) / sympy.sqrt(sympy.factorial(k)))


def _numeric(f: sympy.Expr, x: sympy.Symbol, name: str) -> Activation:
    function = sympy.lambdify(x, f, modules=["scipy", "numpy"])

    def vectorised(values: Array) -> Array:
        found = np.asarray(function(values))
        if found.dtype.kind not in "biuf":
            raise ValueError(
                f"the expression {shown(f)} is no real number in double precision at x = "
                f"{float(np.ravel(values)[0]):g}: pass a real one."
            )
        return np.array(np.broadcast_to(found, np.shape(values)))

    try:
        ends = {float(end) for piece in pieces(f, x) for end in piece[1:] if end.is_finite}
    except (NoClosedForm, TypeError):
        ends = set()
    return Activation(name, vectorised, tuple(ends))
