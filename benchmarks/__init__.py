"""Published figures: what was measured, of which model, on which benchmark, by whom."""
