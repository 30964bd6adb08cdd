"""Ways in: each translates a request, calls the application, and translates the answer back."""
