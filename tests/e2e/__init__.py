"""Tests of whole processes, from the command line."""
