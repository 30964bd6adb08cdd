"""``decide``: what follows from a piece of news, one module per kind of news.

Decisions change the ledger only through the events they emit; what they want done in the world are effects, which
run after those events are durable.
"""
