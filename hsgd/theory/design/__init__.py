"""Design: which learning rates, in which order, for the lowest risk after so many iterations.

    optimum         the optimal schedule of a question, from all of the below
    families        the usual schedules, each with its numbers tuned
    pieces          schedules of few pieces, improved by their exact gradient
    certificate     lower bounds that no schedule can beat
    programme       homogenized SGD's schedule problem as a convex one, and its solution
    recursion       the exact value of any learning rates, and its gradient
    goal            what is minimised, over which modes

Each stands on those below it. The mathematics is on the docs' theory page, "Optimal schedules".
"""
