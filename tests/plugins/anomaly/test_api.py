"""`GET /api/v1/anomalies`: filters, and what a wrong query is told."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from collector_core import ApiError
from collector_core.testing import serve_routes
from collector_plugins.anomaly import api
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.track_record import TrackRecord

START = 1_700_000_000.0


def incident(minutes=0, *, severity=2, component="cpu", ended=None):
    return Incident(
        START + 60 * minutes, "level", severity, component, f"{component}_x", "words", 0.9, 0.93, 0.12, ended=ended
    )


INCIDENTS = [
    incident(30, severity=4),
    incident(20, component="gpu", ended=START + 1500),
    incident(10, ended=START + 900),
]


def answer(asked, incidents=INCIDENTS):
    return api.answer(incidents, api.AnomalyQuery.parse(MultiDict(asked)))


def found(*asked, incidents=INCIDENTS):
    return [each["time"] for each in answer(asked, incidents)["anomalies"]]


def test_the_newest_comes_first():
    assert found() == ["2023-11-14T22:43:20Z", "2023-11-14T22:33:20Z", "2023-11-14T22:23:20Z"]


@pytest.mark.parametrize(
    ("asked", "minutes"),
    [
        (("component", "gpu"), [20]),
        (("component", "fan"), []),
        (("severity", "1"), [30, 20, 10]),
        (("severity", "3"), [30]),
        (("severity", "5"), []),
        (("limit", "2"), [30, 20]),
        (("since", str(START + 901)), [30, 20]),
        (("since", str(START + 900)), [30, 20, 10]),
        (("since", "2023-11-14T22:38:20Z"), [30, 20]),
        (("since", "2023-11-14T22:38:21Z"), [30]),
        (("since", "2023-11-14T23:38:21+01:00"), [30]),
        (("since", "2023-11-14T23:38:21 01:00"), [30]),
    ],
)
def test_filters_narrow_it_down(asked, minutes):
    times = [each["time"] for each in answer([asked])["anomalies"]]
    assert times == [incident(each).to_json()["time"] for each in minutes]


def test_filters_add_up():
    assert found(("component", "cpu"), ("severity", "3"), ("since", str(START))) == ["2023-11-14T22:43:20Z"]
    assert found(("component", "gpu"), ("severity", "3")) == []


def test_by_default_a_hundred_are_answered():
    assert len(found(incidents=[incident(each) for each in range(150)])) == 100
    assert len(found(("limit", "1000"), incidents=[incident(each) for each in range(150)])) == 150


def test_what_goes_on_is_found_however_early_it_began():
    assert found(("since", str(START + 1e6))) == ["2023-11-14T22:43:20Z"]


def test_matching_counts_what_the_limit_leaves_out():
    assert answer([("limit", "1")])["matching"] == 3


def test_an_incident_says_everything():
    data = incident(0, ended=START + 60).to_json()
    assert set(data) == {
        "id", "time", "ended", "type", "severity", "component", "description", "series", "value", "expected", "score",
        "related_series", "suggested_actions", "outcome",
    }  # fmt: skip
    assert data["id"] == incident(0).id
    assert (data["time"], data["ended"]) == ("2023-11-14T22:13:20Z", "2023-11-14T22:14:20Z")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ([("severity", "6")], "severity"),
        ([("severity", "high")], "severity"),
        ([("severity", "0")], "severity"),
        ([("severity", "2.5")], "severity"),
        ([("limit", "0")], "limit"),
        ([("limit", "1001")], "limit"),
        ([("since", "yesterday")], "since"),
        ([("since", "2023-11-14T22:37:00")], "since"),
        ([("since", "nan")], "since"),
        ([("since", "inf")], "since"),
        ([("since", "2023-13-14T22:37:00Z")], "since"),
        ([("component", "")], "component"),
        ([("component", "x" * 65)], "component"),
        ([("limit", "1"), ("limit", "2")], "limit"),
        ([("level", "1")], "level"),
    ],
)
async def test_a_wrong_query_is_400_and_names_the_field(asked, field):
    async with serve_routes(api.routes(lambda: INCIDENTS, TrackRecord(START), list)) as client:
        answer = await client.get(api.PATH, params=asked)
        assert answer.status == 400
        assert (await answer.json())["field"] == field
        assert (await (await client.get(api.PATH)).json())["matching"] == 3


@given(st.lists(st.tuples(st.sampled_from(["since", "severity", "component", "limit", "x"]), st.text(max_size=12))))
def test_any_query_is_answered_or_refused(asked):
    try:
        json.dumps(answer(asked))
    except ApiError as refusal:
        assert refusal.body["field"]


def test_the_route_answers_with_what_the_plugin_found_last(learnt_machine):
    found = learnt_machine()

    async def ask(**asked):
        async with serve_routes(found.plugin.collector_routes()) as client:
            return await (await client.get(api.PATH, params=asked)).json()

    assert asyncio.run(ask()) == {"anomalies": [], "matching": 0}
    found.host.load = 0.8
    found.rows(1)
    (anomaly,) = asyncio.run(ask(component="cpu"))["anomalies"]
    assert anomaly["description"].startswith("CPU use of this machine is 0.")
    assert anomaly["ended"] is None
