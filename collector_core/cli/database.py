"""The database of measurements, as commands name and open it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from collector_core.measure.store import MeasurementStore, default_path


def database_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db`."""
    option = click.option(
        "--db",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="ENERGY_COLLECTOR_DB",
        show_envvar=True,
        help="Database of measurements; default: energy-collector/measurements.db in XDG's data home.",
    )
    return option(function)


@contextmanager
def opened(path: Path | None) -> Iterator[MeasurementStore]:
    """The database, closed at the end; says on stderr where a broken one was set aside. Raises `StoreError`."""
    store = MeasurementStore(path or default_path())
    if store.set_aside:
        click.echo(f"energy-collector: {store.path} was corrupt; it was renamed to {store.set_aside}", err=True)
    try:
        yield store
    finally:
        store.close()
