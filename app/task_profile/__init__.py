"""Words and data facts into a TaskProfile."""
