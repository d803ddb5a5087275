"""One importer a source: published files to readings, and the checks that make figures of them."""
