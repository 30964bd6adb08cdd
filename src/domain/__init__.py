"""The rules of trading: pure, deterministic, standard library only.

Nothing in here reads a clock, draws a random number, awaits, or does I/O. Whatever the rules need to know is
handed to them, so the same inputs give the same decisions on any machine, in a simulation and in a proof.
"""
