"""What the collector saw, kept for months: compressed columns in an embedded store, and answers about any period."""
