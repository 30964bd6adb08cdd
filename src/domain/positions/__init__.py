"""Positions: what is held, what it cost, in which lots it was bought, and what it has earned."""
