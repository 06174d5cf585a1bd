"""The series that are watched: which they are, their rows, and what is known of each."""
