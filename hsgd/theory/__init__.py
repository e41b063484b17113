"""The theory: homogenized SGD and its finite-step twin, and what follows from their equations.

    modes           the data as the theory sees them: rates, weights and statistics of the modes
    homogenized     the Volterra equation of homogenized SGD
    discrete        the same for finite steps, `stepping` where that has no closed form
    stability       where they are stable, `first_steps` what rows of unequal norm do first
    curves          either of them, as curves of all statistics
    prediction      the verb: curves, with `discrepancy` and `applicability` saying how far to trust
    critical        the largest stable learning rate
    ends            what a constant one leads to, and how fast; `limits`, `epochs` as datasets
    batches         which batch size, and when to grow it
    bootstrap       what using the rows again costs
    diagnosis       all of it in sentences

Simulation sees nothing of this.
"""
