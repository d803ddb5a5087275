"""One file a task: how its data is read and checked, and what it is measured by."""
