"""Clocks: the wall's, and the virtual one that replay, simulation and paper trading run on."""
