"""What every verb does around its engine.

planning         from nouns to a plan
memory           how much that takes, asked before it starts
execution        check, run, save, label
configuration    what a checkpoint belongs to
spreading        replicates over the workers of a cluster
stopping         how many replicates are enough
progress         a bar
"""
