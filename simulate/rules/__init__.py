"""Rules: what algorithms other than SGD do with the gradient of a batch, a file for each.

    base        what a rule is, and how to write the next one
    sharing     how one step is written for a thread and for a block of them
    registry    finds the rules

Every other file here is a rule: it says which nouns of `hsgd` it is for, what a step is in NumPy,
and what it is where it is compiled. The engines take all of them from the registry, and know none
by name.
"""
