"""Evidence in, ranking out: numpy and scipy only."""
