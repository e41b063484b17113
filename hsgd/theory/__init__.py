"""The theory: homogenized SGD and its finite-step twin, and what follows from their equations.

Its verbs, and `commands`, which ask them from a shell:

    prediction      curves of the risk
    limits          what a constant learning rate leads to, `epochs` how long that takes
    critical        the largest stable learning rate
    batches         which batch size, and when to grow it
    bootstrap       what using the rows again costs
    effective       what passes over the same rows are worth
    diagnosis       whether the theory applies to given rows
    recommending    what to run, in one sentence
    optimal         the best learning rates for a budget, `optimal_batches` the best batches
    gradients       what the learning rate of each iteration is worth

What they stand on, each seen by those above it in this list:

    design/         what the best schedules are, and bounds that none can beat
    averages        where averages of the iterates end up
    settling        the curves of a question, with little enough left to chance
    trust/          how far a curve can be trusted at finite n
    asking          from what a verb was given to a question, checked once
    dynamics/       how curves are solved: a file for each method
    spread/         how far single runs are from the mean
    reshuffling/    rows that are drawn without replacement
    question        what is asked, resolved once; what a method is
    curves          what every method gives
    stability/      where the equations are stable, and where they lead
    spectra/        where modes come from

Simulation sees nothing of this.
"""
