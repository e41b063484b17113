"""Long sums of exponentials, replaced by a few hundred terms with a proven error.

method         the method: compress, solve, count what was left out into the error
question       the question as this method sees it: with sums to be compressed
short          solving and observing once the sums are short
compress       the compression
cells          its first pass, linear: many points become four per narrow cell
gauss          its second: Gauss rules of a discrete measure
certificate    how far the result's transform is from the true one
majorants      what that does to the solution
"""
