"""How a model is adapted, one file a strategy."""
