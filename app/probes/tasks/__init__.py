"""Heads and losses, one file a task."""
