"""Real processes, killed at named points and at random moments, started again, and compared with the exchange."""
