"""Where modes come from.

modes         the data as the theory sees them: rates, weights and statistics of the modes
rows          those of given rows
population    those of fresh ones
providers     which problem gets its modes from where, and how to add one
"""
