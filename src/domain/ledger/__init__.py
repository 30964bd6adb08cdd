"""The ledger: everything that a session must not lose, the events that change it, and ``evolve``, which applies them.

``evolve(ledger, event)`` is the only thing that changes the ledger, and the only thing that recovery runs.
"""
