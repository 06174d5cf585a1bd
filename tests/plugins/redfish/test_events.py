"""A BMC on loopback that streams events, and those that do not."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import AuthFailed, NotAvailable
from collector_plugins.redfish import Redfish, metrics
from collector_plugins.redfish.bmc import CHASSIS
from collector_plugins.redfish.events import MOST_BYTES, SERVICE, EventReader, EventStream
from tests.plugins.redfish.test_redfish import DOCUMENTS, GOOD
from tests.plugserver import PlugServer

STREAM = "/redfish/v1/EventService/SSE"
FAN = {"MessageSeverity": "Critical", "Message": "Fan 2\nhas failed"}
LOGIN = {"Severity": "OK", "MessageId": "Base.1.0.Success"}


def streamed(*events, end="\n\n"):
    return f": hello\nid: 1\nevent: x\ndata: {json.dumps({'Events': list(events)})}{end}".encode()


class Streaming(PlugServer):
    """Streams two events and ends."""

    def answer(self, path):
        if path == STREAM:
            return 200, streamed(FAN, LOGIN)
        if path == SERVICE:
            return 200, json.dumps({"ServerSentEventUri": STREAM}).encode()
        return self.status, json.dumps(DOCUMENTS.get(path, {})).encode()


def test_events_are_counted_by_severity_and_those_that_matter_noted(collector_harness, eventually):
    with Streaming() as bmc:
        device = GOOD | {"url": bmc.url, "events": True}
        harness = collector_harness(Redfish, devices=[device])

        def counts():
            harness.run(advance=15)
            return {severity: count for (_, severity), count in harness.series(metrics.EVENTS).items()}

        eventually(lambda: counts() == {"ok": 1, "warning": 0, "critical": 1})
        shown = harness.exposition()
    assert 'redfish_events_total{device="node",severity="critical"} 1' in shown
    assert 'redfish_events_followed{device="node"}' in shown
    assert harness.events == [("bmc", "node: critical: Fan 2has failed")]


def test_without_the_option_nothing_is_followed(collector_harness):
    with Streaming() as bmc:
        harness = collector_harness(Redfish, devices=[GOOD | {"url": bmc.url}])
        harness.run()
        assert SERVICE not in bmc.paths
        assert harness.series(metrics.EVENTS_FOLLOWED) == {}


def test_a_bmc_that_streams_none_is_told_once_and_is_not_down(collector_harness, eventually):
    with PlugServer(DOCUMENTS[f"{CHASSIS}/1/EnvironmentMetrics"]) as bmc:
        bmc.answer = lambda path: (200, json.dumps(DOCUMENTS.get(path, {})).encode())
        harness = collector_harness(Redfish, devices=[GOOD | {"url": bmc.url, "events": True}])

        def failures():
            harness.run(advance=15)
            return [failure.text for failure in harness.part_failures]

        eventually(lambda: any("streams no events" in each for each in failures()))
        assert harness.value(metrics.EVENTS_FOLLOWED, device="node") == 0
        assert harness.value(metrics.HEALTH.up, device="node") == 1
        assert harness.value(metrics.POWER, device="node") == 200


@pytest.fixture
def stream():
    async def document(_):
        return {"ServerSentEventUri": STREAM}

    return lambda follow, get=document: EventStream(get, follow, lambda _: None)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0)


async def test_a_stream_that_stays_open_is_followed_until_it_is_closed(stream):
    async def follow(_, feed):
        feed(streamed(FAN))
        await asyncio.Event().wait()

    made = stream(follow)
    made.start()
    made.start()
    await until(lambda: made.counts["critical"] == 1)
    assert made.is_followed
    await made.close()
    assert not made.is_followed


async def test_a_refused_login_is_not_tried_again(stream):
    asked = []

    async def follow(path, _):
        asked.append(path)
        raise AuthFailed("401")

    made = stream(follow)
    made.start()
    await until(lambda: made.problem is not None)
    await made.close()
    assert asked == [STREAM]
    assert isinstance(made.problem, AuthFailed)


async def test_a_stream_elsewhere_is_not_followed(stream):
    async def document(_):
        return {"ServerSentEventUri": "https://elsewhere/events"}

    made = stream(None, document)
    made.start()
    await until(lambda: made.problem is not None)
    await made.close()
    assert isinstance(made.problem, NotAvailable)


@given(st.lists(st.binary(max_size=30), max_size=5), st.integers(1, 20))
def test_events_are_found_however_they_come(noise, size):
    found = []
    reader = EventReader(found.append)
    junk = b"".join(noise).replace(b"data:", b"")
    text = junk + b"\n\n" + streamed(FAN, end="\r\n\r\n")
    for start in range(0, len(text), size):
        reader.feed(text[start : start + size])
    assert found[-1] == {"Events": [FAN]}


def test_an_event_without_end_is_not_kept():
    reader = EventReader(lambda _: None)
    for _ in range(20):
        reader.feed(b"data: " + b"x" * (MOST_BYTES // 4))
    assert len(reader._rest) <= MOST_BYTES
    for _ in range(20):
        reader.feed(b"\ndata: " + b"x" * (MOST_BYTES // 4))
    assert sum(map(len, reader._data)) <= MOST_BYTES
