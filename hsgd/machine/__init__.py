"""What the code asks of the computer it runs on.

memory        how much is left, asked before it is taken
blas          BLAS held to one thread, `threads` how many there are
clusters      work in pieces on the workers of a dask cluster, `local_dask` where none is wanted
progress      a bar for long work
"""
