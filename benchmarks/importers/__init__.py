"""Published tables into figures: one importer a source."""
