"""Rows: what an iteration reads or makes, as its definition in NumPy, a file for each kind.

base        what rows are, and how to write the next kind
data        those of a problem, dense or sparse
gaussian    fresh ones with a covariance
features    fresh ones of random features
kinds       all of them
"""
