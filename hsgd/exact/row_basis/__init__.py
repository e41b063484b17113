"""The exact mean for the price of a few dozen half-steps, whatever the number of iterations.

The mean squared residuals ρ_i(k) of the rows are a smooth curve in k that stays close to a space
of a few dozen dimensions. The method projects onto such a space (`galerkin`), grows it where
residuals show that something is missing (`enrichment`), estimates what is left (`convergence`) and
certifies the result (`method`). The rest makes one solve cost nothing per iteration: powers by
interpolation (`powers`), panels of iterations (`time_panels`, `layout`), and closed forms for all
that needs no rows (`regime`).
"""
