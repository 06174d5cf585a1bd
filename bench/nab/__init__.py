"""The Numenta Anomaly Benchmark: its data, read, and its scoring, written anew from its definition."""
