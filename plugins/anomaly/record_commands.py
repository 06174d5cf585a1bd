"""`energy-collector anomaly confirm`, `mute` and `record`: they ask the running collector."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import click

from collector_core import CommandContext
from collector_plugins.anomaly import api
from collector_plugins.anomaly.incidents.track_record import summary_of

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
    _judge(context, url, anomaly_id, "confirm")
    click.echo(f"{anomaly_id}: confirmed")


@_anomaly_id
@_url
def mute(context: CommandContext, *, anomaly_id: str, url: str | None) -> None:
    """Say that the anomaly ID was none: it is no longer active, and its alert ends.

    The IDs are those of `/api/v1/anomalies`. It counts in the record of the detector. Exit code 1: no such anomaly, it
    was confirmed before, or nothing answers.
    """
    _judge(context, url, anomaly_id, "mute")
    click.echo(f"{anomaly_id}: muted; it is no longer active, and its alert ends")


@_url
def record(context: CommandContext, *, url: str | None) -> None:
    """Print how right the detector was: anomalies confirmed, muted, and missed although a rule noticed.

    Exit code 1: nothing answers.
    """
    answer = _ask(context, url, api.RECORD_PATH)
    click.echo(summary_of(answer))
    for miss in answer["misses"]:
        click.echo(f"missed {miss['time']} {miss['alert']}")


def _judge(context: CommandContext, url: str | None, anomaly_id: str, verdict: str) -> None:
    _ask(context, url, f"{api.PATH}/{quote(anomaly_id, safe='')}/{verdict}", "POST")


def _ask(context: CommandContext, url: str | None, path: str, method: str = "GET") -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(context.ask_service(path, url=url, method=method))
    except (OSError, ValueError) as error:
        click.echo(f"{url or context.service_url}: {_cause(error)}", err=True)
        sys.exit(1)
    return found


def _cause(error: Exception) -> str:
    if isinstance(error, HTTPError):
        try:
            return str(json.loads(error.read(MAX_ANSWER))["error"])
        except (ValueError, KeyError, TypeError):
            return f"it answers {error.code} {error.reason}; does the plugin `anomaly` run there?"
    return f"{getattr(error, 'reason', error)}; is `energy-collector run` running there?"
