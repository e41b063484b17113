"""Where modes come from.

modes    the data as the theory sees them: rates, weights and statistics of the modes
"""
