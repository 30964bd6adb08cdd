"""Trading sessions: their states, what they were started with, and whether opening is allowed at all."""
