"""Asking again and again: backoff, deadlines, work beside a run, and saying a fault once."""
