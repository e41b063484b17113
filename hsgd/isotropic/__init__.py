"""SGD on isotropic data in closed form: Marchenko–Pastur in, a risk curve out, no equation solved.

    curves     rates, limits and risk curves
    measure    the measure whose Laplace transform the risk is

Rows a ~ N(0, I/n) in d = ratio·n dimensions, targets b = a·x* + noise·N(0, 1), no ridge, n → ∞.
The risk is the Laplace transform of an explicit measure: a density on the Marchenko–Pastur
interval, an atom that splits off below it when the learning rate passes a transition, and an atom
at zero, the floor that label noise leaves. It is an independent route to what `predict` computes
from data, and shares no code with it.

Units are the package's: time = iterations/n, risks are means over rows with the factor ½,
`signal` = E(a·(x0−x*))² = ‖x0−x*‖²/n is the variance of a noiseless residual at the start, `noise`
the standard deviation of the label noise. Rows of another mean squared norm v (here it is `ratio`)
are covered too: multiply the learning rate by v/ratio.
"""

from hsgd.isotropic.curves import (
    critical_learning_rate,
    empirical_risk,
    limiting_empirical_risk,
    population_risk,
    rate,
    transition_learning_rate,
)

__all__ = [
    "critical_learning_rate",
    "empirical_risk",
    "limiting_empirical_risk",
    "population_risk",
    "rate",
    "transition_learning_rate",
]


def __dir__() -> list[str]:
    return sorted(__all__)
