"""What every part of the domain leans on: the errors and the helper for transition tables. Nothing else, ever."""
