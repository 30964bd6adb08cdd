"""Users' own strategies, read from modules and files."""
