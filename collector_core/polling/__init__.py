"""Asking again and again: many targets at once, backoff, deadlines, work beside a run, and logging a fault once."""
