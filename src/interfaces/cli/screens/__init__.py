"""What a running session looks like: a live view in a terminal, lines elsewhere, JSON lines for programs."""
