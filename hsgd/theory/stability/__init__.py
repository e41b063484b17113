"""Where the equations are stable, and where they lead.

stability      norms of the noise kernel, and the learning rates at which they reach one
asymptotics    the limits that a constant learning rate leads to, and how fast
"""
