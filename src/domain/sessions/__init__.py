"""Trading sessions: their states, and what they were started with."""
