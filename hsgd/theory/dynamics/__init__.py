"""How curves are solved: a file for each method.

    methods        the table, and which one `auto` takes
    homogenized    the Volterra equation of homogenized SGD
    discrete       the same for finite steps, `stepping` where that has no closed form,
                   by the compiled `stepping_kernel`; `adaptive` and `adaptive_kernel` where
                   learning rates are found on the way

What a method is, and how to write the next one, says `hsgd.theory.question`.
"""
