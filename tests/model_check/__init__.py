"""Why the order protocol is what it is, decided by exhaustive search.

An exchange may be slow, silent or behind, and the process may die at any step.
Which rules for "send, ask, send again" are then safe is not a matter of opinion:
in a small enough world every interleaving can be visited. The rules this program
follows must survive all of them; each weaker rule must fail, with a trace.

Nothing here imports the program: this checks the rules, not their implementation.
"""
