"""Steadyhand: a live-trading application for Binance USDⓈ-M futures that survives being killed anywhere."""
