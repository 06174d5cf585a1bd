"""Bundled collector plugins, one folder each; see README.md for the guide."""
