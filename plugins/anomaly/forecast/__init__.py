"""Forecasts of the next row of some series: the rows that are kept, the models trained on them, what they predict."""
