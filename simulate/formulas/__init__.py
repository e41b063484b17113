"""What is computed in a step, written once for every engine.

update         a step of SGD
rules          what other algorithms do with the gradient
schedules      learning rates and batch sizes, iteration by iteration
activations    the functions of random features, by number
"""
