"""Random numbers that do not depend on who asks for them, or when.

philox      the numbers: a pure function of key and counter
normals     normal ones
seeds       from a seed to the key of each replicate
sampling    which rows are read, in which order
"""
