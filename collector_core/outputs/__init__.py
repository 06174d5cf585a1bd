"""Delivers what collectors publish to other programs: selected, queued on disk, retried."""
