"""Collectors that exist for the benchmarks only."""
