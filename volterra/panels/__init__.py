"""Collocation on panels for kernels that are any function.

method      the method, to a global tolerance
equation    all such equations in one shape
panel       nodes, interpolation, quadrature
mesh        meshes of panels: solved, refined, interpolated
march       finding a mesh, step by step
history     integrals of the kernel over earlier panels
tail        the uniform tail of a convolution equation, by blocks
defect      what a panel's polynomial misses of the integrand
"""
