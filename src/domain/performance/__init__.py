"""What trading came to: trades, the equity curve, costs, and who earned what; one stated formula for each figure.

Everything is a Decimal, ratios too: the domain knows no float, so the same history gives the same figure everywhere.
A figure that is not defined, or that rests on too little, is None; it is never zero in place of "nobody knows".
"""
