"""The account as a whole: wallet, equity, margin and exposure over all positions."""
