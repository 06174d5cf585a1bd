"""`energy-collector find`: what is there to read, as a configuration to start with?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import ValidationError

from collector_core.cli.common import Common, common_options
from collector_core.collector import Collector
from collector_core.errors import NotAvailable, Reason, visible
from collector_core.model.clock import SystemClock
from collector_core.plugins.discovery import detect, discover

HEAD = "# What energy-collector found on this machine. Try it: energy-collector doctor --config FILE"
NOTHING = "# Nothing was found. The reasons: energy-collector doctor"


@click.command()
@common_options(default_level="error")
def command(common: Common) -> None:
    """Look for everything that can be read on this machine, and print a configuration to start with.

    It names what runs with its defaults here, and what is there but may not be read, with the command that opens it.
    What the network has must be named by hand: the READMEs of the plugins have examples.
    """
    click.echo("\n".join(_configuration(common.root)))


def _configuration(root: Path | None) -> Iterator[str]:
    yield HEAD
    if root is not None:
        yield yaml.safe_dump({"root": str(root.absolute())}, width=1000).strip()
    found = [(cls, problem) for cls, problem in _detected(root or Path("/")) if _runs_with_defaults(cls)]
    if not found:
        yield NOTHING
        yield "collectors: {}"
        return
    yield "collectors:"
    for cls, problem in found:
        if problem is not None:
            yield f"  # {visible(problem.detail)}" + (f"; fix: {visible(problem.fix)}" if problem.fix else "")
        yield f"  {cls.name}: {{interval: {cls.default_interval:g}s}}"


def _detected(root: Path) -> Iterator[tuple[type[Collector[Any]], NotAvailable | None]]:
    """The collectors whose source is there, and why it cannot be read where that is so."""
    clock = SystemClock()
    for cls in discover().types.values():
        problem = detect(cls, root, clock)
        if problem is None or problem.reason is Reason.PERMISSION:
            yield cls, problem


def _runs_with_defaults(cls: type[Collector[Any]]) -> bool:
    try:
        cls.config_type()
    except ValidationError:
        return False
    return True
