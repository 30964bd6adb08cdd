"""Measures what Steadyhand promises about speed, and proves what it promises about replays.

`python -m benchmarks` times the way of a quote to an order, `python -m benchmarks.replay` replays recorded markets
and compares every byte. Nothing here is part of the product; it runs the product's own objects from outside.
"""
