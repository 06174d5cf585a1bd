"""`energy-collector forecast best-window`: the running collector's answer for a job."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import click

from collector_core import ApiError, CommandContext
from collector_core.metering import JOULES_PER_KWH
from collector_plugins.forecast.api import WindowQuery

PATH = "/api/v1/forecasts/best-window"
MOST_BYTES = 1_000_000


@click.option("--energy", required=True, help="What the job takes, e.g. 2kWh.")
@click.option("--duration", required=True, help="How long it takes, e.g. 3h.")
@click.option("--by", type=click.Choice(["cost", "carbon", "solar"]), default="cost", show_default=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--url", metavar="URL", help="The running collector's address; by default what the configuration says.")
def best_window(context: CommandContext, *, energy: str, duration: str, by: str, form: str, url: str | None) -> None:
    """Say when a job is cheapest, cleanest, or takes the least from the grid.

    It asks the running collector. Exit code 1: nothing answers, or a forecast that it needs is missing; 2: no such
    energy or duration.
    """
    words = {"energy": energy, "duration": duration, "by": by}
    _check(words)
    try:
        found = json.loads(context.ask_service(f"{PATH}?{urlencode(words)}", url=url))
        click.echo(json.dumps(found, indent=2) if form == "json" else _text(found))
    except HTTPError as error:
        _end(_reason(error))
    except (OSError, ValueError, KeyError) as error:
        base = url or context.service_url
        _end(f"no answer from {base}: {getattr(error, 'reason', error)}; is `energy-collector run` running there?")


def _check(words: Mapping[str, str]) -> None:
    """Refuse what the service would, with the name of the option."""
    try:
        WindowQuery.parse(words)
    except ApiError as error:
        raise click.BadParameter(str(error), param_hint=f"--{error.body['field']}") from None


def _text(found: dict[str, Any]) -> str:
    start, end = (time.strftime("%a %Y-%m-%d %H:%M", time.localtime(found[name])) for name in ("start", "end"))
    value, value_now = (_value(found[name], found["by"]) for name in ("value", "value_now"))
    return f"{start} to {end}: {value}; {value_now} if it began now"


def _value(value: float, by: str) -> str:
    return {"cost": f"{value:.2f}", "carbon": f"{value:.0f} g CO2e"}.get(
        by, f"{value / JOULES_PER_KWH:.2f} kWh from the grid"
    )


def _reason(error: HTTPError) -> str:
    try:
        with error:
            body = json.loads(error.read(MOST_BYTES))
        field = f"{body['field']}: " if body.get("field") else ""
        return f"{field}{body['error']}" + (f"; fix: {body['fix']}" if body.get("fix") else "")
    except (ValueError, KeyError, TypeError, OSError):
        return "the plugin `forecast` does not run there" if error.code == 404 else f"it answers {error.code}"


def _end(text: str) -> None:
    click.echo(f"energy-collector: {text}", err=True)
    sys.exit(1)
