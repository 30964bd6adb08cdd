"""Markets without a network: recorded frames, the synthetic market, and the frame types every market speaks."""
