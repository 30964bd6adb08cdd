"""Orders: what was wanted (ticket), how it was sent (attempt), what became of it (order), and the news about it."""
