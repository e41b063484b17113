"""The exact mean and covariance of SGD at finite n: a witness that sees neither theory nor solver.

mean           the verb, `stability` the other one: where the mean square diverges
row_basis/     many iterations for the price of a few dozen half-steps
recursion      one iteration after the other
mean_square    the learning rate at which the mean square turns unstable

mean            the verb: the expected risk on the given rows
recursion       by stepping through it
row_basis       for the price of a few dozen steps
mean_square     the operator that moves second moments
stability       the learning rate at which they begin to grow
"""
