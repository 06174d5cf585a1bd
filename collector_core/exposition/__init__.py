"""Snapshots → the bytes that a scraper gets."""
