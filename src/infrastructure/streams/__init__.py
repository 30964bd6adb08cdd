"""Binance's streams over WebSockets: what they say becomes inputs of the session."""
