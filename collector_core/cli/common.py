"""Options that every command knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, cast

import click

from collector_core.cli import logs
from collector_core.cli.plain_calls import CONFIG_VARIABLE
from collector_core.config.redactor import Redactor


@dataclass(frozen=True)
class Common:
    """The values of the common options."""

    config: Path | None
    root: Path | None
    redactor: Redactor


def common_options(
    default_level: str = "warning", *, keeps_running: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the common options to a command, which receives them as its first argument, a `Common`.

    A command that `keeps_running` writes its log in the background.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(config: Path | None, root: Path | None, log_level: str, log_format: str, **options: Any) -> Any:
            redactor = Redactor()
            logs.configure(log_level, cast("logs.LogFormat", log_format), redactor, in_background=keeps_running)
            return function(Common(config, root, redactor), **options)

        decorated: Callable[..., Any] = wrapper
        for option in reversed(_options(default_level)):
            decorated = option(decorated)
        return decorated

    return decorate


def _options(default_level: str) -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    return [
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            envvar=CONFIG_VARIABLE,
            show_envvar=True,
            help="Configuration file; without one, every collector that fits this machine runs.",
        ),
        click.option(
            "--root",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="Where the machine's /proc and /sys are found, e.g. /host in a container.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(["debug", "info", "warning", "error"]),
            default=default_level,
            show_default=True,
            help="Lowest severity to log (to stderr).",
        ),
        click.option(
            "--log-format",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="Format of log lines.",
        ),
    ]
