"""The model-selection advisor."""
