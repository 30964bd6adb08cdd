"""Where unique ids come from: chance in production, the seed in virtual time."""
