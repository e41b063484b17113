"""What is claimed of speed and accuracy, measured: `python -m benchmarks run|compare|page`.

Every file here without a leading underscore is a benchmark: a generator `measure` of named figures,
and `main(measure)`, which makes a script of it. `_records` says what a figure and a record are.
"""
