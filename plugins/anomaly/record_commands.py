"""`energy-collector anomaly confirm`, `mute` and `record`: they ask the running collector."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

import click

from collector_core import CommandContext
from collector_plugins.anomaly import api
from collector_plugins.anomaly.incidents.track_record import summary_of

TIMEOUT_SECONDS = 10.0
MAX_ANSWER = 1 << 20
_url = click.option(
    "--url", metavar="URL", help="The running collector's address; by default what the configuration says."
)


_anomaly_id = click.argument("anomaly_id", metavar="ID")


@_anomaly_id
@_url
def confirm(context: CommandContext, *, anomaly_id: str, url: str | None) -> None:
    """Say that the anomaly ID was one.

    The IDs are those of `/api/v1/anomalies`. It counts in the record of the detector. Exit code 1: no such anomaly, it
    was muted before, or nothing answers.
    """
    _judge(url or context.service_url, anomaly_id, "confirm")
    click.echo(f"{anomaly_id}: confirmed")


@_anomaly_id
@_url
def mute(context: CommandContext, *, anomaly_id: str, url: str | None) -> None:
    """Say that the anomaly ID was none: it is no longer active, and its alert ends.

    The IDs are those of `/api/v1/anomalies`. It counts in the record of the detector. Exit code 1: no such anomaly, it
    was confirmed before, or nothing answers.
    """
    _judge(url or context.service_url, anomaly_id, "mute")
    click.echo(f"{anomaly_id}: muted; it is no longer active, and its alert ends")


@_url
def record(context: CommandContext, *, url: str | None) -> None:
    """Print how right the detector was: anomalies confirmed, muted, and missed although a rule noticed.

    Exit code 1: nothing answers.
    """
    answer = _ask(url or context.service_url, api.RECORD_PATH)
    click.echo(summary_of(answer))
    for miss in answer["misses"]:
        click.echo(f"missed {miss['time']} {miss['alert']}")


def _judge(url: str, anomaly_id: str, verdict: str) -> None:
    _ask(url, f"{api.PATH}/{quote(anomaly_id, safe='')}/{verdict}", "POST")


def _ask(base: str, path: str, method: str = "GET") -> Mapping[str, Any]:
    if urlsplit(base).scheme not in ("http", "https"):
        raise click.BadParameter("write it as http://HOST:PORT or https://HOST:PORT", param_hint="--url")
    request = Request(base.rstrip("/") + path, method=method)  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            found: Mapping[str, Any] = json.loads(answer.read(MAX_ANSWER))
    except (URLError, TimeoutError, ConnectionError, ValueError) as error:
        click.echo(f"{base}: {_cause(error)}", err=True)
        sys.exit(1)
    return found


def _cause(error: Exception) -> str:
    if isinstance(error, HTTPError):
        try:
            return str(json.loads(error.read(MAX_ANSWER))["error"])
        except (ValueError, KeyError, TypeError):
            return f"it answers {error.code} {error.reason}; does the plugin `anomaly` run there?"
    return f"{getattr(error, 'reason', error)}; is `energy-collector run` running there?"
