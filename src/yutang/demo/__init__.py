"""A populated, living brand in one command: a feed of events, a simulated clock, and the loop that everybody else runs.

`run.main` is the demo at a terminal, `run.run` the demo itself, `summary.summary` the figures of any pond.
"""
