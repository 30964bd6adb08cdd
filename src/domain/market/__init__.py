"""What is traded and at what prices: instruments with their filters, candles, the order book."""
