"""What is learned: data, and populations of rows, as frozen nouns.

    populations        moments of a fresh row, all that its expected risk needs
    labelled           rows and columns by the names of their dimensions
    preparing          from a table to rows and targets, and the way back
    portrait           how problems show themselves
    least_squares      given rows, with ridge, start and population
    fresh              what all populations have in common: rows without end
    gaussian_rows      Gaussian rows to stream or to sample from; n of them, not drawn
    feature_rows       rows that a fixed first layer makes, `feature_moments` their second moments
    random_features    first layers that are random themselves

What all problems can say of themselves is `hsgd.interfaces.Problem`.
"""
