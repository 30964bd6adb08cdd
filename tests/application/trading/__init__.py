"""Tests of live trading."""
