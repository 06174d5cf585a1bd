"""`energy-collector anomaly confirm`, `mute` and `record`, against the routes of the plugin."""

import asyncio

import pytest
from click.testing import CliRunner

from collector_core.cli.group import cli
from collector_core.testing import serve_routes
from collector_plugins.anomaly import api
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.track_record import Miss, TrackRecord

START = 1_700_000_000.0

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


@pytest.fixture
def anomaly():
    return Incident(START, "level", 3, "cpu", "cpu_x", "CPU is odd", 0.9)


@pytest.fixture
def command(anomaly):
    """Runs commands one after another against one collector; returns their exit codes and what they print."""
    record = TrackRecord(START)
    record.add_miss(Miss(START, "TargetDown"))

    def run(*commands):
        async def story():
            async with serve_routes(api.routes(lambda: [anomaly], record, list)) as client:
                url = str(client._base_url)
                return [await asyncio.to_thread(invoke, "anomaly", *each, "--url", url) for each in commands]

        return asyncio.run(story())

    return run


def invoke(*arguments):
    result = CliRunner().invoke(cli, arguments)
    return result.exit_code, result.output


def test_an_anomaly_is_confirmed_once_and_the_record_says_so(command, anomaly):
    confirmed, contradicted, record = command(("confirm", anomaly.id), ("mute", anomaly.id), ("record",))
    assert confirmed == (0, f"{anomaly.id}: confirmed\n")
    assert contradicted[0] == 1
    assert "it was confirmed before" in contradicted[1]
    assert "1 confirmed, 0 muted; 1 missed" in record[1]
    assert "missed 2023-11-14T22:13:20Z TargetDown" in record[1]


def test_proxies_of_the_environment_are_not_asked(command, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    [(code, said)] = command(("record",))
    assert code == 0, said


def test_what_nobody_knows_is_refused_with_its_reason(command):
    [(code, said)] = command(("mute", "../nothing"))
    assert code == 1
    assert "no anomaly with this id" in said


def test_a_collector_that_is_not_there_is_named():
    code, said = invoke("anomaly", "record", "--url", "http://127.0.0.1:9")
    assert code == 1
    assert "is `energy-collector run` running there?" in said
