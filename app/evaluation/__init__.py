"""Backtest and replay: how good the ranking is, by the code that serves it."""
