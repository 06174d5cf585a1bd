"""`energy-collector report`: the running collector's report on its machine."""

from __future__ import annotations

import sys
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import click

from collector_core import CommandContext

PATH = "/api/v1/performance/report"
TIMEOUT_SECONDS = 10.0


@click.option("--url", metavar="URL", help="The running collector's address; by default what the configuration says.")
def report(context: CommandContext, *, url: str | None) -> None:
    """Print what the running collector saw in the last hour, in Markdown: figures, their means and extremes, anomalies.

    It asks the plugin `performance`. Exit code 1: nothing answers, or it has no report.
    """
    base = url or context.service_url
    if urlsplit(base).scheme not in ("http", "https"):
        raise click.BadParameter("write it as http://HOST:PORT or https://HOST:PORT", param_hint="--url")
    try:
        with urlopen(base.rstrip("/") + PATH, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            click.echo(answer.read().decode(), nl=False)
    except (URLError, TimeoutError, ConnectionError) as error:
        click.echo(f"no report from {base}: {_cause(error)}", err=True)
        sys.exit(1)


def _cause(error: Exception) -> str:
    if isinstance(error, HTTPError):
        hint = {404: "the plugin `performance` does not run there", 503: "it has not had its first run yet"}
        return hint.get(error.code, f"it answers {error.code} {error.reason}")
    return f"{getattr(error, 'reason', error)}; is `energy-collector run` running there?"
