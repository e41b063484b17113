"""Where modes come from.

estimate            the spectrum behind data, corrected for their finite number of rows
providers           which problem gets its modes from where, and how to add one
rows                modes of given rows
population          modes of fresh ones
sampled             modes of rows that are sampled but not drawn
sample_covariance   the spectrum of a typical sample, `sample_covariance_kernel` its inner loops
nodes               a population as a few eigenvalues
sources             what a population has along each of its eigenvalues
matrix_free         modes of a matrix that is too large to factor
probes              what random probes have shown of its spectrum
jackknife           standard errors of what leaves out groups in turn
lanczos             Gauss rules for it, by one pass over the data per step
eigenmodes          modes whose eigenvectors are known
modes               the data as the theory sees them: rates, weights and statistics of the modes
"""
