"""How curves are solved, given the modes.

homogenized    the Volterra equation of homogenized SGD
discrete       the same for finite steps, `stepping` where that has no closed form
curves         either of them, as curves of all statistics
"""
