"""What a value is: declarations, readings, snapshots, selectors. No I/O and no thread."""
