"""The compiled loops of the CPU engine.

dense        SGD on rows that are stored, `sparse` on sparse ones
momentum     heavy ball and Nesterov on either
streaming    SGD on rows that are made: `gaussian` ones, `features`
with_rule    any rule, on any rows
order        which rows are read
copying      copies of arrays
sde          steps of a diffusion
"""
