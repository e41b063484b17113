"""What is learned: data, and populations of rows, as frozen nouns.

    populations        moments of a fresh row, all that its expected risk needs
    outputs            several targets: problems that share all but a column
    labelled           rows and columns by the names of their dimensions
    preconditioning    coordinates in which preconditioned steps are plain ones
    preparing          from a table to rows and targets, and the way back
    portrait           how problems show themselves
    products           products with a matrix, whatever it is stored as
    matrix             what follows from a data matrix alone: size, products, decomposition
    least_squares      given rows, with ridge, start and population
    fresh              what all populations have in common: rows without end
    gaussian_rows      Gaussian rows to stream or to sample from
    feature_rows       rows that a fixed first layer makes, `feature_moments` their second moments
    random_features    first layers that are random themselves
    sampled            n rows of a population that nobody draws
    spectrum           eigenvalues, and what the target has along them

What all problems can say of themselves is `hsgd.interfaces.Problem`.
"""
