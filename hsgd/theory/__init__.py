"""The theory: homogenized SGD and its finite-step twin, and what follows from their equations.

Its verbs:

    prediction      curves of the risk
    limits          what a constant learning rate leads to, `epochs` how long that takes
    critical        the largest stable learning rate
    batches         which batch size, and when to grow it
    bootstrap       what using the rows again costs
    diagnosis       all of it in sentences

Their rooms, each seen by those below it in this list and by the verbs:

    spectra/        where modes come from
    dynamics/       how curves are solved, given the modes
    stability/      where the equations are stable, and where they lead
    trust/          how far a curve can be trusted at finite n

Simulation sees nothing of this.
"""
