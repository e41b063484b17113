"""The exact solution where kernel weights have any sign or phase.

method           the method, from the question to the answer
complex_roots    rates of the solution, in the complex plane
oscillations     functions of time with complex rates, and how well they are known
convolution      the resolvent convolved with a forcing
"""
