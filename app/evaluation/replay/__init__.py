"""Replays recorded fine-tunes through the scheduler that serves, and through what it is compared with."""
