"""The auditor: rebuilds an account from the exchange's trades and income alone, and compares the session's database.

It exists to be wrong in other ways than the program it checks, so nothing of the program may be imported here, only
the standard library and a database driver: own SQL, own arithmetic, own reader of the exchange's answers, own
connections, all of them read-only.
"""
