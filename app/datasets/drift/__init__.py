"""Whether a later sample of a task's data is like the earlier one: no model, no torch, seconds."""
