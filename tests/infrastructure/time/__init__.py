"""Tests of virtual time and of the inbox that runs on it."""
