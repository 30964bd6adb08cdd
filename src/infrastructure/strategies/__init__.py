"""Strategies that users bring along: their code is read here and nowhere else."""
