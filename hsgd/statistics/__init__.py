"""What is measured along SGD.

quadratics       quadratic functions of the parameters, in three forms
readouts         several numbers of a point, for simulations to record
coordinates      single coordinates in the eigenbasis of the Hessian
predictions      what is predicted for given rows, `classification` what follows from it
without_points   what has curves but no values at points, where no points are at hand
rounding         what rounding makes of them, whoever computes them
named            from what a user asked for to these
"""
