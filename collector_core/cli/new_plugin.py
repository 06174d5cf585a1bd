"""`energy-collector new-plugin`: a plugin of your own, to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from collector_core.cli.common import Common, common_options
from collector_core.scaffold import Kind, write_distribution


@click.command()
@click.argument("name")
@click.option(
    "--async", "kind", flag_value=Kind.COROUTINES, help="Generate coroutines, for sources with an asyncio library."
)
@click.option("--http", "kind", flag_value=Kind.HTTP, help="Poll devices that return JSON over HTTP.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=".",
    show_default=True,
    help="Where to create the folder collector-NAME.",
)
@common_options()
def command(common: Common, name: str, kind: str | None, folder: Path) -> None:
    """Create a complete distribution, collector-NAME: a working plugin, its tests, README and workflow.

    NAME is in snake_case and becomes the key in the configuration and the prefix of the metrics. No file is ever
    overwritten. Exit code 2: the name is invalid or taken, or the folder exists.
    """
    del common
    target = write_distribution(name, folder, Kind(kind or Kind.FILES))
    click.echo(f"{target} has been created; next:\n")
    click.echo(f"  cd {shlex.quote(str(target))}")
    click.echo("  pip install --editable '.[dev]'")
    click.echo("  pytest")
    needs_config = " --config FILE  # with what its README.md shows" if kind == Kind.HTTP else ""
    click.echo(f"  energy-collector once {name}{needs_config}")
