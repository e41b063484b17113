"""How far single runs are from the mean: variances, and bands made of them.

band        from a question to standard deviations and bands, or a refusal
streaming   variances of single runs on fresh rows
"""
