"""What is measured along SGD.

quadratics     quadratic functions of the parameters, in three forms
coordinates    single coordinates in the eigenbasis of the Hessian
named          from what a user asked for to these
"""
