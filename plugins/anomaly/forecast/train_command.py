"""`energy-collector anomaly train`: a model that predicts, from the history or from files."""

from __future__ import annotations

from pathlib import Path

import click

from collector_core import CommandContext, History, NotAvailable, Reason, ResultFile, state_home
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.forecast.linear_model import LinearModel
from collector_plugins.anomaly.forecast.predictor import MODEL_FILE
from collector_plugins.anomaly.forecast.row_files import RowTable, read_rows
from collector_plugins.anomaly.forecast.training import FEWEST_ROWS, TrainedSeries, train_series
from collector_plugins.anomaly.past_rows import past_rows

MAX_SERIES = 20
DAY = 86_400.0


@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--collector", default="anomaly", show_default=True, help="The instance, where several are configured.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where to write the model; by default where it is looked for."
)
@click.option("--force", is_flag=True, help="Replace an existing model.")
def train(
    context: CommandContext, *, files: tuple[Path, ...], collector: str, output: Path | None, force: bool
) -> None:
    """Train a model that predicts series, from FILES (CSV: time,series,value) or from the history of this machine.

    Prints the error of each series on rows that the model has not seen, next to the error of predicting the last row
    again; series for which the model is no better are left out. Restart the collector to load the model. Exit code 1:
    no model was written.
    """
    config = context.options(collector)
    assert isinstance(config, Config)  # noqa: S101 - the command belongs to this plugin
    default = config.folder(state_home(), collector) / MODEL_FILE
    target = ResultFile(output or config.model_file or default, replace=force)
    table = _rows_of_files(files) if files else _rows_of_history(context.history, config, context.clock.time())
    useful = [each for each in _train_all(table, config.row) if each.is_useful]
    if not useful:
        raise NotAvailable(Reason.BAD_DATA, "no series can be predicted better than by its last row")
    target.write(LinearModel(config.row, {each.series: each.weights for each in useful}).to_json())
    click.echo(f"wrote {len(useful)} series to {target.path}")


def _rows_of_files(files: tuple[Path, ...]) -> RowTable:
    try:
        return read_rows(files)
    except (OSError, ValueError) as error:
        raise NotAvailable(Reason.BAD_DATA, f"the rows cannot be read: {error}") from error


def _rows_of_history(history: History, config: Config, now: float) -> RowTable:
    if not history.is_kept:
        fix = "remove `history: off`, or name files"
        raise NotAvailable(Reason.NOT_FOUND, "no history is kept", fix=fix)
    start = now - config.history_days * DAY
    named = (past.series for each in config.history_selectors for past in history.query(each, start, now, step=DAY))
    series = [*dict.fromkeys(named)][:MAX_SERIES]
    return {each.text: dict(past_rows(history, config.row, each, start, now)) for each in series}


def _train_all(table: RowTable, row_seconds: float) -> list[TrainedSeries]:
    if not table:
        fix = "let the collector run for some days, or name files"
        raise NotAvailable(Reason.NOT_FOUND, "there are no rows to train on", fix=fix)
    trained = []
    for series, rows in table.items():
        result = train_series(series, rows, row_seconds)
        trained += [result] if result else []
        click.echo(_summary(result) if result else f"{series}: fewer than {FEWEST_ROWS} rows without a gap; left out")
    return trained


def _summary(trained: TrainedSeries) -> str:
    verdict = "" if trained.is_useful else "; left out"
    errors = f"error {trained.error:.3g}, last row {trained.naive_error:.3g}"
    return f"{trained.series}: {trained.rows} rows, {errors}{verdict}"
