"""Small programs for people: each tries one thing and says what came of it."""
