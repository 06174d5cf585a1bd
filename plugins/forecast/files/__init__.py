"""Forecasts of anybody's data: reading files, the commands, and trying the models on the past."""
