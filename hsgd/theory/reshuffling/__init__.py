"""SGD that sees every row once in a pass: the mean field of reshuffled rows.

nodes              a population as a few eigenvalues with what belongs to each
two_times          responses and correlations at two times, on a grid of cells,
                   by the compiled `two_times_kernel`
refinement         grids of more and more cells, and batches, into one curve with its error
mean_field         the method: what `predict` asks
"""
