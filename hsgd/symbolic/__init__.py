"""The theory of SGD as SymPy expressions: for formulas in papers, and as a check on the numbers.

    equations      the Volterra equation, and what follows from it in formulas
    spectra        spectra for which sums over eigenvalues are formulas
    polynomials    Hermite expansions of activations, by `gaussian` expectations
    expressions    the standard symbols, and the check that all input passes

A `VolterraEquation` holds a spectrum (`PointMasses`, `MarchenkoPastur`) and the parameters of SGD;
its kernel, Laplace transform, critical learning rate, limits and rates are plain SymPy expressions
(`sympy.latex`, `subs`, `diff`, `lambdify` work as ever). `activation` and `hermite_expansion` give
exact Hermite coefficients. Nothing here imports the numeric theory, which is tested against it.

>>> import sympy
>>> gamma, r = sympy.symbols("gamma r", positive=True)
>>> equation = VolterraEquation(MarchenkoPastur(r), learning_rate=gamma, ridge=0, batch_size=1)
>>> equation.critical_learning_rate
2/r
"""

from hsgd.symbolic.equations import VolterraEquation
from hsgd.symbolic.gaussian import NoClosedForm, gaussian_expectation
from hsgd.symbolic.polynomials import HermiteExpansion, activation, hermite_expansion
from hsgd.symbolic.spectra import MarchenkoPastur, PointMasses

__all__ = [
    "HermiteExpansion",
    "MarchenkoPastur",
    "NoClosedForm",
    "PointMasses",
    "VolterraEquation",
    "activation",
    "gaussian_expectation",
    "hermite_expansion",
]


def __dir__() -> list[str]:
    return sorted(__all__)
