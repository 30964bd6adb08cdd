"""The acceptance of replays: `python -m benchmarks.replay` trades on recorded markets and checks every byte of it."""
