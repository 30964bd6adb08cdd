"""What every part of the domain leans on: errors, transition tables, makers of frozen values. Nothing else, ever."""
