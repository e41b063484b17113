"""The compiled loops of the CPU engine: one file for each way to take a step."""
