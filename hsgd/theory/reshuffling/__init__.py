"""SGD that sees every row once in a pass.

pace               rates per row and passes, whatever batch and momentum
two_times          responses and correlations at two times, on a grid of cells,
                   by the compiled `two_times_kernel`
refinement         grids of more and more cells, and batches, into one curve with its error
mean_field         the method for typical rows: what `predict` asks
flow               gradient flow some way ahead, which small steps follow on any rows
modified_flow      the method for given rows at small steps
ends               where they end
data_fit           the one at larger steps: what the flow misses on a fitted population
"""
