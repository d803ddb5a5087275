"""Which pretrained models there are, and where their weights come from."""
