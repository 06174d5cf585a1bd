"""`energy-collector report`: the running collector's report on its machine."""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.parse import urlencode

import click

from collector_core import CommandContext

PATH = "/api/v1/performance/report"
TIMEOUT_SECONDS = 30.0
MAX_ANSWER = 10_000


@click.option("--url", metavar="URL", help="The running collector's address; by default what the configuration says.")
@click.option("--from", "start", metavar="TIME", help="Unix seconds or RFC 3339; by default an hour before --to.")
@click.option("--to", "end", metavar="TIME", help="Unix seconds or RFC 3339, not included; by default now.")
def report(context: CommandContext, *, url: str | None, start: str | None, end: str | None) -> None:
    """Print what the running collector saw in the last hour, or in any period, in Markdown.

    Each figure with its mean and extremes, and the anomalies with what to do about them. It asks the plugin
    `performance`. Exit code 1: nothing answers, or it has no report; 2: a time is wrong.
    """
    given = {name: value for name, value in (("from", start), ("to", end)) if value is not None}
    try:
        answer = context.ask_service(f"{PATH}?{urlencode(given)}", url=url, timeout=TIMEOUT_SECONDS)
        click.echo(answer.decode(), nl=False)
    except (OSError, UnicodeDecodeError) as error:
        said = _said(error)
        if said.get("field") in given:
            raise click.BadParameter(said["error"], param_hint=f"--{said['field']}") from None
        click.echo(f"no report from {url or context.service_url}: {said.get('error') or _cause(error)}", err=True)
        sys.exit(1)


def _said(error: Exception) -> dict[str, str]:
    """What the collector says is wrong, where it does."""
    if not isinstance(error, HTTPError) or error.code not in (HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE):
        return {}
    try:
        said = json.loads(error.read(MAX_ANSWER))
    except (ValueError, OSError):
        return {}
    return said if isinstance(said, dict) else {}


def _cause(error: Exception) -> str:
    if isinstance(error, HTTPError):
        hint = {404: "the plugin `performance` does not run there", 503: "it has not had its first run yet"}
        return hint.get(error.code, f"it answers {error.code} {error.reason}")
    return f"{getattr(error, 'reason', error)}; is `energy-collector run` running there?"
