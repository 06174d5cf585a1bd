"""Forecasts of any series: models that compete on the series itself, and intervals that hold what they promise."""

from __future__ import annotations

from collector_core import Subcommands, hookimpl


@hookimpl
def collector_commands(subcommands: Subcommands) -> None:
    """`energy-collector forecast FILE` and `energy-collector forecast backtest FILE`."""
    from collector_plugins.forecast import commands  # noqa: PLC0415 - nothing else needs them

    subcommands.set_default(commands.forecast_file)
    subcommands.add_own("backtest", commands.backtest_file)
