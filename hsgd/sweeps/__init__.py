"""Sweeps: many settings as one dataset.

sweeping        the verb for many settings, on all cores or a cluster
broadcasting    parameters given as DataArrays become dims of any verb's result
parts           finished pieces in files of their own
stacking        datasets of the same form as one

broadcasting    a parameter that is an `xarray.DataArray` becomes dimensions of the result
stacking        datasets of the same form as one
sweeping        the verb for all cores or a cluster
parts           its finished pieces, in files
"""
