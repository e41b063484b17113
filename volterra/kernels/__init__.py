"""What an equation is made of: kernels and forcings, as frozen nouns.

sums            what the two kinds of sums share
exponentials    sums of exponentials of the time, or of a clock
powers          sums of powers, for difference equations
piecewise       clocks and weights that are constant between given times
functions       kernels given as functions
exponents       what turns a rate into a decaying function of time
"""
