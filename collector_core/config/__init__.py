"""A configuration file → validated settings, or every problem with its line."""
