"""Asks other programs over HTTP: bounded in time and size, one meaning for each status, no secret in any text."""
