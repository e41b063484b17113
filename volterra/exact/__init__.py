"""The exact solution for kernels that are sums of exponentials or powers with positive weights.

method           the method, from the question to the answer
secular          rates of the solution: roots of the secular equation, `smallest_root` the first
residues         the resolvent's residues there, and those of observations
resonances       pairs of a root and a forcing rate that nearly coincide
convolution      the resolvent convolved with a forcing
segments         the method for clocks and weights that are piecewise constant
segment          one of them: its solution, and the modes at its end
"""
