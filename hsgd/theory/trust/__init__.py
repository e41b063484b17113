"""How far a curve can be trusted at finite n.

discrepancy      how far SGD's mean may be from the curves at finite n
first_steps      what rows of unequal norm do in the first iterations
judgement        whether the theory applies to given rows: numbers, thresholds, remedies
applicability    the sentence that comes with a prediction
"""
