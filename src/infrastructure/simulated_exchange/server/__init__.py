"""The simulated exchange as a server: Binance's USDⓈ-M REST and WebSocket protocols around the engine.

Everything that has a clock, a socket or chance is here; what an order does is the engine's business alone. The
server serves the loopback interface only: it is for testing clients, with money that does not exist.
"""
