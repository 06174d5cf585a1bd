"""What a piece of work costs."""
