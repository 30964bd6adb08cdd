"""What is traded and at what prices: instruments with their filters, quotes, trades, candles, the order book."""
