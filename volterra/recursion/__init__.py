"""Difference equations, iterated.

method    the method, with a running bound of its rounding
loop      the inner loop, compiled
"""
