"""`energy-collector anomaly train`: a model that predicts, from the history that the plugin keeps or a file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from collector_core import CommandContext, NotAvailable, Reason, ResultFile, state_home
from collector_plugins.anomaly import history
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.predictor import FIX, MODEL_FILE
from collector_plugins.anomaly.training import FEWEST_ROWS, Trained, fit, write


@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--collector", default="anomaly", show_default=True, help="Which one, where several are configured.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where the model goes; by default where it is looked for."
)
@click.option("--force", is_flag=True, help="Replace a model that is there.")
def train(
    context: CommandContext, *, files: tuple[Path, ...], collector: str, output: Path | None, force: bool
) -> None:
    """Train a model that predicts series, from FILES (CSV: time,series,value) or the history that was kept.

    Prints the error of each series on rows that the model has not seen, beside that of saying the last row again;
    series for which it is no better are left out. Restart or reload the collector to use it. Exit code 1: no model.
    """
    _need_libraries()
    config = context.options(collector)
    assert isinstance(config, Config)  # noqa: S101 - the command belongs to this plugin
    folder = config.folder(state_home(), collector)
    target = ResultFile(output or config.model_file or folder / MODEL_FILE, replace=force)
    useful = [each for each in _train(files, folder, config.row) if each.is_useful]
    if not useful:
        raise NotAvailable(Reason.BAD_DATA, "no series can be predicted better than by its last row")
    target.path.parent.mkdir(parents=True, exist_ok=True)
    new = target.path.with_name(f"{target.path.name}.new")
    new.write_bytes(write(useful, config.row))
    new.replace(target.path)
    click.echo(f"{len(useful)} series are in {target.path}")


def _train(files: tuple[Path, ...], folder: Path, row: float) -> list[Trained]:
    try:
        table = history.read(files or history.files(folder))
    except (OSError, ValueError) as error:
        raise NotAvailable(Reason.BAD_DATA, f"the history cannot be read: {error}") from error
    if not table:
        fix = "let the collector run for some days, or name files"
        raise NotAvailable(Reason.NOT_FOUND, f"there is no history in {folder}", fix=fix)
    trained = []
    for series, rows in table.items():
        found = fit(series, rows, row)
        trained += [found] if found else []
        click.echo(_told(found) if found else f"{series}: fewer than {FEWEST_ROWS} rows without a gap; left out")
    return trained


def _told(found: Trained) -> str:
    verdict = "" if found.is_useful else "; left out"
    return f"{found.series}: {found.rows} rows, error {found.error:.3g}, last row {found.naive_error:.3g}{verdict}"


def _need_libraries() -> None:
    missing = [name for name in ("numpy", "onnx") if find_spec(name) is None]
    if missing:
        raise NotAvailable(Reason.NOT_FOUND, f"{' and '.join(missing)} is not installed", fix=FIX)
