"""The history in PostgreSQL: rows that other programs can join, partitions by day, what waits on disk."""
