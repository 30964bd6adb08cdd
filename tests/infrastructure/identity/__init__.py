"""Tests of the makers of ids."""
