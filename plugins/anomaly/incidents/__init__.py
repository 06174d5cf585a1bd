"""Incidents: what is unusual, from the row in which it begins to the one in which it ends, and in words."""
