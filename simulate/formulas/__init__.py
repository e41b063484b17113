"""What is computed in a step, written once for every engine.

update         a step of SGD
schedules      learning rates and batch sizes, iteration by iteration
activations    the functions of random features, by number
"""
