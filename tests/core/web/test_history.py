"""`/api/v1/history/…` from outside."""

import csv
import gzip
import io
import json
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from collector_core.history.embedded import EmbeddedStore
from collector_core.history.interface import Event, HistorySample
from collector_core.history.options import HistoryOptions
from collector_core.web.error_responses import error_responses
from collector_core.web.late_history import PATH, LateHistory
from tests.core.history.conftest import NOON, kept

START = NOON // 1000
POWER, ENERGY = kept(plug="a"), kept("lamp_energy_joules_total", "counter", plug="a")


@pytest.fixture
def store(tmp_path):
    found = EmbeddedStore(HistoryOptions(path=tmp_path / "history"))
    found.open()
    rows = [HistorySample(POWER, NOON + each * 10_000, 5.0 + each % 2, 0.0) for each in range(30)]
    rows += [HistorySample(ENERGY, NOON + each * 10_000, 50.0 * each, 50.0 if each else 0.0) for each in range(30)]
    found.append(rows, [Event(NOON, "start", "energy-collector", "started")])
    yield found
    found.close()


@pytest.fixture
async def client(store):
    application = web.Application(middlewares=[error_responses])
    app = SimpleNamespace(history=SimpleNamespace(service=SimpleNamespace(store=store)))
    application.add_routes(LateHistory(app).table())
    async with TestClient(TestServer(application)) as found:
        yield found


async def get(client, path, status=200, headers=None, **parameters):
    async with client.get(f"{PATH}/{path}", params=parameters, headers=headers) as response:
        assert response.status == status, await response.text()
        return response.headers, await response.read()


async def json_of(client, path, **parameters):
    return json.loads((await get(client, path, **parameters))[1])


PERIOD = {"from": str(START), "to": str(START + 3600)}


async def test_series_are_written_as_prometheus_writes_them(client):
    about = {"unit": "watts", "first": START, "last": START + 290}
    assert await json_of(client, "series") == {
        "series": [
            {"series": 'lamp_energy_joules_total{plug="a"}', "kind": "counter", **about},
            {"series": 'lamp_power_watts{plug="a"}', "kind": "gauge", **about},
        ]
    }


async def test_a_range_without_a_step_is_what_was_collected(client):
    found = await json_of(client, "range", selector="lamp_power_watts", **PERIOD)
    assert found["next"] is None
    assert found["series"][0]["points"][:2] == [[START, 5.0], [START + 10, 6.0]]
    assert len(found["series"][0]["points"]) == 30


async def test_a_range_by_step_takes_dates_too(client):
    period = {"from": "2020-01-01T00:00:00Z", "to": "2049-01-01T00:00:00+02:00"}
    found = await json_of(client, "range", selector="lamp_energy_joules_total", step="1d", fn="increase", **period)
    assert sum(value for _, value in found["series"][0]["points"]) == 29 * 50
    assert all(time % 86_400 == 0 for time, _ in found["series"][0]["points"])


async def test_pages_together_are_the_whole(client):
    whole = await json_of(client, "range", **PERIOD)
    points, cursor = [], {}
    while cursor is not None:
        page = await json_of(client, "range", limit="7", **PERIOD, **cursor)
        points += [(each["series"], *point) for each in page["series"] for point in each["points"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert points == [(each["series"], *point) for each in whole["series"] for point in each["points"]]


async def test_tables_come_as_csv_and_ndjson_by_parameter_or_header(client):
    headers, body = await get(client, "range", selector="lamp_power_watts", format="csv", **PERIOD)
    assert headers["Content-Type"] == "text/csv"
    rows = list(csv.reader(io.StringIO(body.decode())))
    assert rows[:2] == [["time", "series", "value"], [str(START), 'lamp_power_watts{plug="a"}', "5.0"]]
    headers, body = await get(client, "range", headers={"Accept": "application/x-ndjson"}, **PERIOD)
    assert json.loads(body.splitlines()[0]) == {
        "time": START,
        "series": 'lamp_energy_joules_total{plug="a"}',
        "value": 0,
    }


async def test_an_answer_is_compressed_and_known_by_its_tag(client):
    headers, body = await get(client, "range", headers={"Accept-Encoding": "gzip"}, **PERIOD)
    tag = headers["ETag"]
    assert headers["Content-Encoding"] == "gzip"
    assert json.loads(body if body[:1] == b"{" else gzip.decompress(body))["series"]
    await get(client, "range", status=304, headers={"If-None-Match": tag}, **PERIOD)


async def test_events_have_their_time_and_kind(client):
    assert await json_of(client, "timeline", **PERIOD) == {
        "events": [{"time": START, "kind": "start", "source": "energy-collector", "text": "started"}]
    }


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("range", "step", "0"),
        ("range", "step", "-5"),
        ("range", "step", "nan"),
        ("range", "step", "soon"),
        ("range", "from", "inf"),
        ("range", "from", "-1"),
        ("range", "to", "yesterday"),
        ("range", "fn", "median"),
        ("range", "format", "xml"),
        ("range", "limit", "0"),
        ("range", "limit", "-3"),
        ("range", "limit", "NaN"),
        ("range", "cursor", "x"),
        ("range", "cursor", "bnVsbA=="),
        ("range", "selector", "a" * 2001),
        ("range", "selector", "{"),
        ("range", "selector", '{a=~"("}'),
        ("range", "colour", "red"),
        ("energy", "by", "colour"),
        ("energy", "step", "1m"),
        ("timeline", "to", "1e400"),
        ("series", "from", "1"),
    ],
)
async def test_a_refusal_names_the_parameter(client, path, field, value):
    body = json.loads((await get(client, path, status=400, **{field: value}))[1])
    assert field in body["error"]
    assert body["field"] == field


async def test_too_many_steps_are_refused(client):
    await get(client, "range", status=400, step="1s", **{"from": "0", "to": "11001"})
    await get(client, "range", step="1s", **{"from": "0", "to": "11000"})


async def test_a_regular_expression_is_answered_in_bounded_time(client):
    await get(client, "range", selector='{plug=~"(a+)+b"}', **PERIOD)


async def test_without_a_history_nothing_is_found():
    application = web.Application(middlewares=[error_responses])
    application.add_routes(LateHistory(SimpleNamespace(history=SimpleNamespace(service=None))).table())
    async with TestClient(TestServer(application)) as client:
        await get(client, "series", status=404)


async def test_a_broken_store_is_a_503(client, store):
    await json_of(client, "series")
    store.folder.rename(store.folder.with_name("elsewhere"))
    headers, body = await get(client, "range", status=503)
    assert headers["Retry-After"]
    assert json.loads(body)["error"]
    store.folder.with_name("elsewhere").rename(store.folder)
    assert (await json_of(client, "series"))["series"]
