"""Design: which learning rates, in which order, for the lowest risk after so many iterations.

    optimum         the optimal schedule of a setting, from all of the below
    families        the usual schedules, each with its numbers tuned
    pieces          schedules of few pieces, improved by their exact gradient
    certificate     lower bounds that no schedule can beat
    totals          how far to go: the best total of the odometer
    programme       homogenized SGD's schedule problem as a convex one, `programme_kernel` its loops
    batches         batch sizes as a convex problem
    convex          such problems, solved and bounded by duality
    recursion       the exact value of any learning rates, and its gradient, by `recursion_kernel`
    setting         from what a verb was given to a goal, checked once
    goal            what is minimised, over which modes

Each stands on those below it. The mathematics is on the docs' theory page, "Optimal schedules".
"""
