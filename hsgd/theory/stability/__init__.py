"""Where the equations are stable, and where they lead.

iteration       what one iteration does to the modes
base            what is asked of a way to take steps, and how to write the next one
small_steps     steps as small as one likes: homogenized SGD
finite_steps    steps of finite size, `momentum` with a momentum
linear_steps    of any linear method at constant coefficients
asymptotics     the limits that a constant learning rate leads to, and how fast
"""
