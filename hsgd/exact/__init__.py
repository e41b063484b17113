"""The exact mean and covariance of SGD at finite n: a witness that sees neither theory nor solver.

mean            the verb: the expected risk on the given rows
recursion       by stepping through it
moments         by stepping in the second moments alone
orders          over all orders of a few rows that are reshuffled
row_basis       for the price of a few dozen steps
mean_square     the operator that moves second moments
stability       the learning rate at which they begin to grow
"""
