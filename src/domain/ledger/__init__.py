"""The ledger: everything that a session must not lose, and the two functions that work on it.

``decide(ledger, view, news, now)`` says what follows from a piece of news; ``evolve(ledger, event)`` is the only
thing that changes the ledger, and the only thing that recovery runs. Both are deterministic and pure of I/O.
"""
