"""A long run of real processes on a market that does not stop, while everything of the catalogue happens to them."""
