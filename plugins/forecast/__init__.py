"""Forecasts of any series: models that compete on the series itself, and intervals that hold what they promise."""
