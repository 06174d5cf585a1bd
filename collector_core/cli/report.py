"""`energy-collector report`: the running collector's report on its machine."""

from __future__ import annotations

import sys
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import click

from collector_core.cli.common import Common, common_options
from collector_core.config.loading import load
from collector_core.config.settings import DEFAULT_LISTEN, parse_listen

PATH = "/api/v1/performance/report"
TIMEOUT_SECONDS = 10.0
ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask, not to listen


@click.command(short_help="Print a report on this machine in Markdown.")
@click.option("--url", metavar="URL", help="The running collector's address; by default what the configuration says.")
@common_options()
def command(common: Common, url: str | None) -> None:
    """Print what the running collector saw in the last hour, in Markdown: figures, their means and extremes, anomalies.

    It asks the plugin `performance`. Exit code 1: nothing answers, or it has no report.
    """
    base = url or _address(common)
    if urlsplit(base).scheme not in ("http", "https"):
        raise click.BadParameter("write it as http://HOST:PORT or https://HOST:PORT", param_hint="--url")
    try:
        with urlopen(base.rstrip("/") + PATH, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            click.echo(answer.read().decode(), nl=False)
    except (URLError, TimeoutError, ConnectionError) as error:
        click.echo(f"no report from {base}: {_cause(error)}", err=True)
        sys.exit(1)


def _address(common: Common) -> str:
    listen = load(common.config)[1].settings.listen if common.config else DEFAULT_LISTEN
    host, port = parse_listen(listen)
    host = ANY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _cause(error: Exception) -> str:
    if isinstance(error, HTTPError):
        hint = {404: "the plugin `performance` does not run there", 503: "it has not had its first run yet"}
        return hint.get(error.code, f"it answers {error.code} {error.reason}")
    return f"{getattr(error, 'reason', error)}; is `energy-collector run` running there?"
