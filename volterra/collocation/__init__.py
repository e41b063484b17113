"""Adaptive collocation for kernels with a clock and a weight, and forcings that are any function.

method     the method, from the question to the answer
question   the question as this method sees it: modes, and stops on which steps land
mesh       meshes of steps: made, swept again, followed
step       one step, at a cost linear in the number of modes
defect     what a step misses of the functions between its nodes
"""
