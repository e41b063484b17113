"""The exact solution where kernel weights have any sign or phase.

method           the method, from the question to the answer
complex_roots    rates of the solution, in the complex plane
oscillations     the resolvent at these roots, convolved with a forcing
"""
