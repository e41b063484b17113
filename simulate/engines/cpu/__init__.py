"""The CPU engine: kernels compiled by Numba, one replicate per thread, every core busy.

engine         the replicates of SGD, and the engine itself
with_rule      replicates of algorithms that have a rule
sde            paths of homogenized SGD, an engine of its own
streams        the beginning of every replicate's stream of rows
layout         data laid out for kernels
lanes          random numbers many at a time
prefetching    rows asked for before they are needed
kernels/       the compiled loops
"""
