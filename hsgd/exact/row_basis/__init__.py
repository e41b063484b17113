"""The exact mean for the price of a few dozen half-steps, whatever the number of iterations.

    method         cycles of solving and enriching, then a finer solve that certifies
    galerkin       the reduced system, marched through all iterations
    enrichment     which row vectors the basis holds
    convergence    how far the curves still are from the truth
    regime         iterations at one learning rate and batch size
    layout         where panels of iterations lie, `time_panels` what a curve is on each
    rows           the rows in the eigenbasis, `powers` powers of very many numbers
    cost           what all this will take

The mean squared residuals ρ_i(k) of the rows are a smooth curve in k that stays close to a space
of a few dozen dimensions. The method projects onto such a space (`galerkin`), grows it where
residuals show that something is missing (`enrichment`), estimates what is left (`convergence`) and
certifies the result (`method`). The rest makes one solve cost nothing per iteration: powers by
interpolation (`powers`), panels of iterations (`time_panels`, `layout`), and closed forms for all
that needs no rows (`regime`).
"""
