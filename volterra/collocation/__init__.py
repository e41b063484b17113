"""Adaptive collocation for kernels with a clock and a weight, and forcings that are any function.

method     the method, from the question to the answer
problem    the question as this method sees it: modes, stops and a tolerance
mesh       meshes of steps: made, swept again, followed
step       one step, at a cost linear in the number of modes
"""
