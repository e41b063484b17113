"""What is run, as frozen nouns: not how.

base                what every algorithm is, and how to write the next one
sgd                 SGD over given rows, and over fresh ones
momentum            heavy ball and Nesterov, with a constant momentum
general_momentum    a memory of past gradients with learning rates of its own; DANA
linear              any linear method by its matrices, and schedule-free SGD
averaging           averages of the iterates, kept beside them
linear_form         what all linear methods are, `timing` when their schedules change
adaptive            learning rates that each run finds for itself
sign                steps of one size in every coordinate
"""
