"""Tests of the scripts, as people run them."""
