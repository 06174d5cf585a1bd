"""`GET /api/v1/anomalies`: filters, and what a wrong query is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from collector_core import ApiError
from collector_core.testing import serve_routes
from collector_plugins.anomaly import api
from collector_plugins.anomaly.anomalies import Record, Records

START = 1_700_000_000.0


def record(minutes=0, *, severity=2, component="cpu", ended=None):
    return Record(
        START + 60 * minutes, "level", severity, component, f"{component}_x", "words", 0.9, 0.93, 0.12, ended=ended
    )


RECORDS = [record(30, severity=4), record(20, component="gpu", ended=START + 1500), record(10, ended=START + 900)]


def answer(asked, records=RECORDS):
    return api.answer(records, api.AnomalyQuery.parse(MultiDict(asked)))


def found(*asked, records=RECORDS):
    return [each["time"] for each in answer(asked, records)["anomalies"]]


def test_the_newest_comes_first():
    assert found() == ["2023-11-14T22:43:20Z", "2023-11-14T22:33:20Z", "2023-11-14T22:23:20Z"]


def test_filters_narrow_it_down():
    assert len(found(("component", "gpu"))) == 1
    assert len(found(("severity", "3"))) == 1
    assert len(found(("limit", "2"))) == 2
    assert len(found(("since", str(START + 1000)))) == 2
    assert len(found(("since", "2023-11-14T22:37:00Z"))) == 2
    assert len(found(("since", "2023-11-14T23:37:00 01:00"))) == 2


def test_what_goes_on_is_found_however_early_it_began():
    assert found(("since", str(START + 1e6))) == ["2023-11-14T22:43:20Z"]


def test_matching_counts_what_the_limit_leaves_out():
    assert answer([("limit", "1")])["matching"] == 3


def test_a_record_says_everything():
    data = record(0, ended=START + 60).data()
    assert set(data) == {
        "id", "time", "ended", "type", "severity", "component", "description", "series", "value", "expected", "score",
        "related_series", "suggested_actions",
    }  # fmt: skip
    assert data["id"] == record(0).id
    assert (data["time"], data["ended"]) == ("2023-11-14T22:13:20Z", "2023-11-14T22:14:20Z")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ([("severity", "6")], "severity"),
        ([("severity", "high")], "severity"),
        ([("limit", "0")], "limit"),
        ([("since", "yesterday")], "since"),
        ([("since", "2023-11-14T22:37:00")], "since"),
        ([("since", "nan")], "since"),
        ([("component", "")], "component"),
        ([("limit", "1"), ("limit", "2")], "limit"),
        ([("level", "1")], "level"),
    ],
)
async def test_a_wrong_query_is_400_and_names_the_field(asked, field):
    async with serve_routes(api.routes(lambda: RECORDS)) as client:
        answer = await client.get(api.PATH, params=asked)
        assert answer.status == 400
        assert (await answer.json())["field"] == field
        assert (await (await client.get(api.PATH)).json())["matching"] == 3


@given(st.lists(st.tuples(st.sampled_from(["since", "severity", "component", "limit", "x"]), st.text())))
def test_any_query_is_answered_or_refused(asked):
    try:
        json.dumps(answer(asked))
    except ApiError as refusal:
        assert refusal.body["field"]


def test_the_oldest_record_makes_room():
    records = Records(2)
    for minutes in range(3):
        records.add(record(minutes))
    assert [each.time for each in records.newest_first()] == [START + 120, START + 60]
    assert sum(records.detected.values()) == 3
