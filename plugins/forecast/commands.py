"""`energy-collector forecast FILE` and `forecast backtest FILE`: forecasts of anybody's data."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import click
from pydantic import TypeAdapter, ValidationError

from collector_core import CalendarDay, CommandContext, NotAvailable, Reason
from collector_plugins.forecast.backtest import Score, backtest
from collector_plugins.forecast.covariates import FEWEST_KNOWN
from collector_plugins.forecast.durations import parse_duration
from collector_plugins.forecast.files.table import Unreadable, read_points, read_table
from collector_plugins.forecast.forecaster import Forecast, forecast
from collector_plugins.forecast.outcome import COMBINATION
from collector_plugins.forecast.seasons import DAY
from collector_plugins.forecast.series import TimeSeries, TooShort, regular

_DAYS = TypeAdapter[tuple[str, ...]](tuple[CalendarDay, ...])
MOST_BYTES = 500_000_000
MOST_STEPS = 100_000
UNREADABLE = 2


class _Duration(click.ParamType):  # type: ignore[type-arg]
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds of e.g. `24h`."""
        try:
            return value if isinstance(value, float) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Zone(click.ParamType):  # type: ignore[type-arg]
    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tzinfo:
        """The zone of e.g. `Europe/Berlin`."""
        try:
            return value if isinstance(value, tzinfo) else ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            self.fail(f"there is no time zone {value!r}", param, ctx)


class _Quantiles(click.ParamType):  # type: ignore[type-arg]
    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Numbers between 0 and 1, separated by commas."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(sorted({float(each) for each in value.split(",")}))
        except ValueError:
            found = ()
        if not found or not all(0 < each < 1 for each in found):
            self.fail("write numbers between 0 and 1, e.g. 0.1,0.5,0.9", param, ctx)
        return found


class _Names(click.ParamType):  # type: ignore[type-arg]
    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Names, separated by commas."""
        del param, ctx
        return value if isinstance(value, tuple) else tuple(each.strip() for each in value.split(",") if each.strip())


class _Days(_Names):
    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Days, separated by commas."""
        try:
            return _DAYS.validate_python(super().convert(value, param, ctx))
        except ValidationError:
            self.fail("write days as 2026-04-03, or 12-25 for every year", param, ctx)


def _of_file(function: Callable[..., None]) -> Callable[..., None]:
    """The options that say what is read."""
    for option in (
        click.option("--timezone", "zone", type=_Zone(), help="Zone of times that name none; UTC by default."),
        click.option("--step", type=_Duration(), help="Distance of the steps; by default that of the rows."),
        click.option(
            "--horizon", type=_Duration(), default="24h", show_default=True, help="How far to look ahead, e.g. 7d."
        ),
        click.option("--value", "value_column", metavar="COLUMN", help="Column of the values, by heading or number."),
        click.option("--time", "time_column", metavar="COLUMN", help="Column of the times, by heading or number."),
        click.argument("file", type=click.Path(path_type=Path, allow_dash=True)),
    ):
        function = option(function)
    return function


@_of_file
@click.option("--quantiles", type=_Quantiles(), default="0.1,0.5,0.9", show_default=True, help="Which to print.")
@click.option(
    "--model",
    default=COMBINATION,
    show_default=True,
    help="The model: `backtest` lists them; or prophet, scikit-learn, lightgbm, where they are installed.",
)
@click.option(
    "--covariates",
    type=_Names(),
    default="",
    metavar="COLUMN,…",
    help="Columns that are known to the end of the horizon, such as temperature.",
)
@click.option(
    "--holidays",
    type=_Days(),
    default="",
    metavar="DAY,…",
    help="Days like Sundays: 2026-04-03, or 12-25 in every year.",
)
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
def forecast_file(
    context: CommandContext,
    *,
    file: Path,
    horizon: float,
    quantiles: Sequence[float],
    model: str,
    covariates: Sequence[str],
    holidays: Sequence[str],
    form: str,
    **how: Any,
) -> None:
    """Forecast the series in FILE (CSV; - for standard input): a row per step with its quantiles.

    Rows may be unsorted, with gaps and empty cells. Times are RFC 3339, seconds or milliseconds since 1970, or dates as
    usually written. Exit code 1: too few values, or something that is missing; 2: the file cannot be read.
    """
    del context
    series, columns = _read(file, covariates, **how)
    steps = _steps(horizon, series.step)
    _check_reach(columns, series, steps)
    try:
        found = forecast(series, steps, quantiles, model, columns, zone=how["zone"] or UTC, holidays=holidays)
    except TooShort:
        raise
    except ValueError as error:
        _refuse(str(error))
    rows = _rows(found, steps, quantiles, how["zone"] or UTC)
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("time", *map(_heading, quantiles)))
        writer.writerows(rows)
    else:
        click.echo(json.dumps(_document(found, rows, quantiles), indent=2))


@_of_file
@click.option(
    "--origins", type=click.IntRange(1, 1000), default=24, show_default=True, help="How many forecasts to try."
)
@click.option("--model", "models", multiple=True, help="Try only this model; may be given several times.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def backtest_file(
    context: CommandContext, *, file: Path, horizon: float, origins: int, models: tuple[str, ...], form: str, **how: Any
) -> None:
    """Try every model on the past of the series in FILE (CSV; - for standard input), the best first.

    MASE is the mean absolute error over that of repeating the last week (or day) on the data before: below 1 is better.
    Coverage is the share of values within the interval of 80 % and 95 %. Exit codes as of `forecast`.
    """
    del context
    series, _ = _read(file, (), **how)
    try:
        scores = backtest(series, _steps(horizon, series.step), origins, models)
    except TooShort:
        raise
    except ValueError as error:
        _refuse(str(error))
    if form == "json":
        click.echo(json.dumps([_score(each) for each in scores], indent=2))
        return
    rows = [[str(value) for value in _score(each).values()] for each in scores]
    rows.insert(0, list(_score(scores[0])))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = row if form == "csv" else [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo((",".join(cells) if form == "csv" else "  ".join(cells)).rstrip())


def _read(
    file: Path,
    covariates: Sequence[str],
    *,
    time_column: str | None,
    value_column: str | None,
    step: float | None,
    zone: tzinfo | None,
) -> tuple[TimeSeries, dict[str, TimeSeries]]:
    """The series, and the columns that are known beyond its end, by name."""
    try:
        with click.open_file(str(file), "rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise Unreadable(f"it has more than {MOST_BYTES} bytes")
        table = read_table(content)
        if not table.sample:
            raise TooShort("there are headings, but no rows", fix="a series of several days")
        zone = zone or UTC
        series = regular(read_points(table, time_column, value_column, zone), step, zone)
        columns = {name: read_points(table, time_column, name, zone) for name in covariates}
        return series, {name: regular(points, series.step, zone) for name, points in columns.items()}
    except OSError as error:
        _refuse(f"{file} cannot be read: {error.strerror}")
    except ValueError as error:
        _refuse(f"{file} cannot be read: {error}")


def _check_reach(covariates: Mapping[str, TimeSeries], series: TimeSeries, steps: int) -> None:
    """Say what is missing of columns that would otherwise not be used."""
    if covariates and find_spec("numpy") is None:
        fix = "pip install 'energy-collector[forecast]'"
        raise NotAvailable(Reason.NOT_SUPPORTED, "covariates need numpy", fix=fix)
    end = series.end + steps * series.step
    for name, column in covariates.items():
        if column.end <= end - series.step / 2:
            known, needed = (_text(datetime.fromtimestamp(time, UTC)) for time in (column.end, end))
            detail = f"{name} is known until {known}, before the horizon ends"
            fix = f"rows with a time and {name} until {needed}, or a shorter --horizon"
            raise NotAvailable(Reason.BAD_DATA, detail, fix=fix)
        if column.known < FEWEST_KNOWN * len(column.values) or column.start > series.start + series.step:
            raise NotAvailable(Reason.BAD_DATA, f"{name} has too many gaps", fix=f"a value of {name} for each time")


def _refuse(text: str) -> NoReturn:
    click.echo(f"energy-collector: {text}", err=True)
    sys.exit(UNREADABLE)


def _steps(horizon: float, step: float) -> int:
    steps = -int(-horizon // step)
    if steps > MOST_STEPS:
        raise NotAvailable(Reason.NOT_SUPPORTED, f"the horizon is {steps} steps of {step:g} s", fix="a longer --step")
    return max(1, steps)


def _heading(quantile: float) -> str:
    return f"p{quantile * 100:.10g}"


def _rows(found: Forecast, steps: int, quantiles: Sequence[float], zone: tzinfo) -> list[list[str]]:
    columns = [found.quantiles[quantile] for quantile in quantiles]
    times = map(_text, _times(found, steps, zone))
    return [[time, *(f"{column[number]:.6g}" for column in columns)] for number, time in enumerate(times)]


def _times(found: Forecast, steps: int, zone: tzinfo) -> Iterator[datetime]:
    """Steps of days begin at the same time of day, however long the days are."""
    first = datetime.fromtimestamp(found.start, zone)
    for number in range(steps):
        later = timedelta(seconds=number * found.step)
        yield first + later if found.step % DAY == 0 else (first.astimezone(UTC) + later).astimezone(zone)


def _text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _document(found: Forecast, rows: Sequence[Sequence[str]], quantiles: Sequence[float]) -> dict[str, Any]:
    keys = list(map(_heading, quantiles))
    values = [{"time": row[0], **{key: float(cell) for key, cell in zip(keys, row[1:], strict=True)}} for row in rows]
    return {
        "model": found.model,
        "step_seconds": found.step,
        "weights": _rounded(found.weights),
        "mase": _rounded(found.mase),
        "coverage": {str(level): round(share, 4) for level, share in found.coverage.items()},
        "forecast": values,
    }


def _rounded(numbers: Any) -> dict[str, float]:
    return {name: round(number, 4) for name, number in numbers.items()}


def _score(score: Score) -> dict[str, Any]:
    covered = {f"coverage_{level * 100:.10g}": round(share, 3) for level, share in score.coverage.items()}
    return {"model": score.model, "mase": round(score.mase, 3), **covered, "seconds": round(max(score.seconds), 4)}
