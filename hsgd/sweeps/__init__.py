"""Sweeps: many settings as one dataset.

broadcasting    a parameter that is an `xarray.DataArray` becomes dimensions of the result
stacking        datasets of the same form as one
sweeping        the verb for all cores or a cluster
parts           its finished pieces, in files
"""
