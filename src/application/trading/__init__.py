"""Live trading: the session loop, the services around it, and the way from a signal to an order."""
