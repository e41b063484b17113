"""What can be said without solving.

analyse        norm, limit, growth rate, stability
convolution    the same for a positive kernel that is only known as a function
resolvent      the resolvent kernel, which solves for every forcing at once
"""
