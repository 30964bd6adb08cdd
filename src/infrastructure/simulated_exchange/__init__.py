"""simulated_exchange"""
