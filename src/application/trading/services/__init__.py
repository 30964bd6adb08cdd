"""The services of live trading: the session itself, its risk gate, and its recovery."""
