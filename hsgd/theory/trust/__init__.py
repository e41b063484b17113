"""How far a curve can be trusted at finite n.

discrepancy      what the theory's curves are held against
first_steps      what rows of unequal norm do in the first iterations
applicability    the sentence that comes with a prediction
"""
