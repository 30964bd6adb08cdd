"""The command line: translates arguments into calls, answers into tables or JSON, errors into one line."""
