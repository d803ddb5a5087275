"""Upload, profile and storage of labelled data."""
