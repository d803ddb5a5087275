"""Where weights come from: one importer a hub."""
