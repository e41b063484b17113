"""What is measured along SGD.

quadratics     quadratic functions of the parameters, in three forms
coordinates    single coordinates in the eigenbasis of the Hessian
rounding       what rounding makes of them, whoever computes them
named          from what a user asked for to these
"""
