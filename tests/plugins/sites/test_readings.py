"""What is taken and what is refused, reading by reading."""

from __future__ import annotations

import asyncio
import errno
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import FakeClock
from collector_plugins.sites.body import NDJSON
from collector_plugins.sites.fields import parse_moment, rfc3339
from collector_plugins.sites.ingest import Ingest, parse_readings
from collector_plugins.sites.own_thread import OwnThread
from collector_plugins.sites.site import Change, Site
from tests.plugins.sites.conftest import JSON, NOW, moment, reading, total

GOOD = {"site_id": "a", "timestamp": NOW, "power_watts": 1}
WRONG = [
    ({"power_watts": True}, "power_watts"),
    ({"power_watts": "5"}, "power_watts"),
    ({"power_watts": -1}, "power_watts"),
    ({"power_watts": 1.1e15}, "power_watts"),
    ({"power_watts": float("nan")}, "power_watts"),
    ({"power_watts": float("inf")}, "power_watts"),
    ({"power_watts": 10**400}, "power_watts"),
    ({"power_watts": None}, "power_watts"),
    ({"colour": 1}, "colour"),
    ({"site_id": "a\0"}, "site_id"),
    ({"site_id": "\ud800"}, "site_id"),
    ({"site_id": "x" * 201}, "site_id"),
    ({"meter": ""}, "meter"),
    ({"timestamp": "2026-01-01T00:00:00"}, "timestamp"),
    ({"timestamp": "2026-02-30T00:00:00Z"}, "timestamp"),
    ({"timestamp": NOW * 1000}, "timestamp"),
    ({"timestamp": True}, "timestamp"),
    ({"timestamp": -1}, "timestamp"),
    ({"timestamp": float("nan")}, "timestamp"),
    ({"interval_seconds": 86_401}, "interval_seconds"),
    ({"interval_seconds": 0}, "interval_seconds"),
    ({"sources": {"grid": 0.5}}, "sources"),
    ({"sources": {"grid": 1.5, "solar": -0.5}}, "sources"),
    ({"sources": {}}, "sources"),
    ({"grid": {"price_per_kwh": float("nan")}}, "grid.price_per_kwh"),
    ({"grid": {"colour": 1}}, "grid.colour"),
    ({"grid": 5}, "grid"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
def test_a_wrong_reading_is_refused_by_its_key_and_costs_the_others_nothing(change, field):
    good, rejected = parse_readings([GOOD, {**GOOD, **change}, GOOD])
    assert list(good) == [0, 2]
    assert [(place, key) for place, (key, _) in rejected.items()] == [(1, field)]
    assert all(error for _, error in rejected.values())


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda each: st.lists(each) | st.dictionaries(st.text() | st.sampled_from(sorted(GOOD)), each),
    )
)
def test_whatever_json_holds_is_taken_or_refused(item):
    good, rejected = parse_readings([item])
    assert len(good) + len(rejected) == 1
    json.dumps(list(rejected.values())).encode()


@given(st.integers(0, 253_402_300_799_999))
def test_moments_are_read_as_they_are_written(milliseconds):
    assert parse_moment(rfc3339(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    "text", ["2026-01-01T01:00:00+01:00", "2026-01-01t00:00:00z", "2025-12-31T19:00:00.000-05:00", NOW, float(NOW)]
)
def test_one_moment_has_many_forms(text):
    assert parse_moment(text) == NOW * 1000


async def test_a_batch_is_answered_reading_by_reading(serving):
    async with serving() as client:
        await client.register("a")
        answer = await client.send(reading(60), reading(60), reading(120, site="b"), reading(180, power=-1))
        assert answer["accepted"] == 1
        assert answer["duplicates"] == 1
        assert [(each["index"], each["field"]) for each in answer["rejected"]] == [(2, "site_id"), (3, "power_watts")]


async def test_of_repeats_the_first_stays(serving):
    async with serving() as client:
        await client.register("a")
        first = await client.send(reading(3600, 1000, id="x"), reading(3600, 5, meter="b"))
        assert first["accepted"] == 2
        again = await client.send(
            {**reading(3600, 9), "timestamp": "2026-01-01T02:00:00+01:00"},
            reading(7200, 9, id="x"),
            reading(3600, 9, id="y"),
        )
        assert (again["accepted"], again["duplicates"]) == (0, 3)
        assert (await client.metrics("a"))["power_watts"]["peak"] == 1005
        assert (await client.send(reading(7200, id="y")))["accepted"] == 1


async def test_lines_and_gzip_are_taken(serving):
    async with serving() as client:
        await client.register("a")
        lines = "\n".join(json.dumps(reading(60 * each)) for each in range(1, 4)) + "\nnonsense\n"
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        async with client.session.post(
            "/api/v1/ingest/telemetry", data=gzip.compress(lines.encode()), headers=headers
        ) as response:
            assert response.status == 202
            answer = await response.json()
        assert answer["accepted"] == 3
        assert [each["index"] for each in answer["rejected"]] == [3]


@pytest.mark.parametrize("length", [-20, -60, 100])
async def test_of_compressed_lines_that_are_cut_off_nothing_is_kept(serving, length):
    async with serving() as client:
        await client.register("a")
        lines = "".join(json.dumps(reading(60 * each, 1000 / each)) + "\n" for each in range(1, 41))
        whole, headers = gzip.compress(lines.encode()), {"Content-Encoding": "gzip", "Content-Type": NDJSON}
        async with client.session.post("/api/v1/ingest/telemetry", data=whole[:length], headers=headers) as response:
            answer = await response.json()
            assert response.status == 400, answer
            assert answer["field"] == "body"
        assert (await client.metrics("a"))["readings"] == 0


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"\xff", JSON, 400),
        (b"5", JSON, 400),
        (b'{"readings": 5}', JSON, 400),
        (b'{"readings": [], "more": 1}', JSON, 400),
        (b'{"readings": [5]}', JSON, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"nonsense", {**JSON, "Content-Encoding": "gzip"}, 400),
        (b"{}", {**JSON, "Content-Encoding": "rot13"}, 415),
        (gzip.compress(b" " * (17 << 20), mtime=0), {**JSON, "Content-Encoding": "gzip"}, 413),
        (json.dumps({"readings": [{}] * 10_001}).encode(), JSON, 413),
        (b'{"readings": []}', {**JSON, "Origin": "http://elsewhere.example"}, 403),
        (b'{"readings": []}', {**JSON, "X-Forwarded-For": "192.0.2.1"}, 401),
        (b'{"readings": []}', {**JSON, "X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer right"}, 202),
        (b'{"readings": []}', {**JSON, "Authorization": "Bearer wrong"}, 401),
    ],
)
async def test_a_request_that_cannot_be_taken_says_why(serving, body, headers, status):
    async with serving(token="right") as client:
        async with client.session.post("/api/v1/ingest/telemetry", data=body, headers=headers) as response:
            answer = await response.json()
            assert response.status == status
        if status >= 400:
            assert answer["error"]
            assert answer["field"]
            assert answer["fix"]


@pytest.mark.parametrize(
    ("body", "content_type"), [(b'{"readings": []}', "application/json"), (b"", "application/x-ndjson")]
)
async def test_a_sender_with_nothing_to_send_is_told_so(serving, body, content_type):
    async with (
        serving() as client,
        client.session.post("/api/v1/ingest/telemetry", data=body, headers={"Content-Type": content_type}) as response,
    ):
        assert response.status == 202
        assert await response.json() == {"accepted": 0, "duplicates": 0, "rejected": []}


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
async def test_the_mark_that_windows_writes_before_a_text_is_no_part_of_it(serving, content_type):
    line = json.dumps(reading(60))
    text = line if content_type.endswith("ndjson") else f'{{"readings": [{line}]}}'
    async with serving() as client:
        await client.register("a")
        async with client.session.post(
            "/api/v1/ingest/telemetry", data=text.encode("utf-8-sig"), headers={"Content-Type": content_type}
        ) as response:
            assert (await response.json())["accepted"] == 1


async def test_a_full_disk_is_told_with_when_to_come_back_and_loses_nothing_that_was_acknowledged(serving):
    def limit_pages(store, pages):
        store._database.rows(f"PRAGMA max_page_count = {pages}")

    async with serving() as client:
        await client.register("a")
        accepted = (await client.send(reading(60)))["accepted"]
        service = client.harness.collector._service
        await asyncio.wrap_future(service.write(lambda store: limit_pages(store, 1)))  # those that there are
        batch = {"readings": [reading(each, interval_seconds=1) for each in range(61, 5000)]}
        async with client.session.post("/api/v1/ingest/telemetry", json=batch) as response:
            answer = await response.json()
            assert response.status == 503, answer
            assert int(response.headers["Retry-After"]) > 0
        assert "full" in answer["error"]
        assert answer["field"]
        assert "free up space" in answer["fix"]
        assert (await client.metrics("a", step="1d"))["readings"] == accepted
        await asyncio.wrap_future(service.write(lambda store: limit_pages(store, 1_000_000)))
        accepted += (await client.post("ingest/telemetry", batch))[1]["accepted"]
        assert (await client.metrics("a", step="1d"))["readings"] == accepted == 4940


async def test_one_reading_is_taken_or_refused_by_name(serving):
    async with serving() as client:
        await client.register("a")
        assert await client.post("ingest/realtime", reading(60)) == (
            202,
            {"accepted": 1, "duplicates": 0, "rejected": []},
        )
        assert (await client.post("ingest/realtime", reading(60)))[1]["duplicates"] == 1
        status, answer = await client.post("ingest/realtime", reading(120, site="b"))
        assert (status, answer["field"]) == (404, "site_id")
        for wrong, field in ((reading(86_400 + 301), "timestamp"), (reading(60, colour=1), "colour"), ([], "reading")):
            status, answer = await client.post("ingest/realtime", wrong)
            assert (status, answer["field"]) == (400, field)
            assert answer["fix"]


async def test_a_whole_batch_of_ten_thousand_is_taken(serving):
    async with serving() as client:
        await client.register("a")
        whole = [
            reading(
                each,
                interval_seconds=1,
                hashrate_th=12.5,
                sources={"grid": 0.6, "solar": 0.4},
                temperature_celsius=21.5,
                meter="m" * 100,
                grid={
                    "frequency_hz": 50,
                    "voltage_v": 230,
                    "price_per_kwh": 0.1,
                    "carbon_g_per_kwh": 300,
                    "load_watts": 1e9,
                },
            )
            for each in range(10_000)
        ]
        body = json.dumps({"readings": whole}).encode()
        assert len(body) > 3.5 * 2**20
        async with client.session.post("/api/v1/ingest/telemetry", data=io.BytesIO(body), headers=JSON) as response:
            assert (await response.json())["accepted"] == 10_000


async def test_a_site_is_registered_with_its_first_reading_where_that_is_wanted(serving):
    async with serving(auto_register=True) as client:
        assert (await client.send(total(60, 1, site="new"), total(60, 1, site="a/b")))["accepted"] == 1
        assert [site["id"] for site in (await client.get("sites"))[1]["sites"]] == ["new"]


async def test_all_new_sites_of_a_batch_are_registered_with_their_history(serving):
    async with serving(auto_register=True) as client:
        names = [f"new-{each:03}" for each in range(300)]
        await client.register("new-007", price_per_kwh=1)
        sent = [reading(60 * number, site=name) for name in names for number in (1, 2)]
        assert (await client.send(*sent))["accepted"] == 600
        assert (await client.send(*sent))["duplicates"] == 600
        await client.patch("sites/new-000", {"price_per_kwh": 2, "valid_from": moment(60)})
    async with serving() as client:
        assert [site["id"] for site in (await client.get("sites", limit=1000))[1]["sites"]] == names
        history = (await client.get("sites/new-000"))[1]["history"]
        assert [each["price_per_kwh"] for each in history] == [None, 2]
        assert (await client.get("sites/new-007"))[1]["price_per_kwh"] == 1


async def test_single_readings_that_are_sent_together_are_each_answered(serving):
    async with serving(auto_register=True) as client:
        answers = await asyncio.gather(
            *(client.post("ingest/realtime", reading(60 * each, site=f"s{each % 5}")) for each in range(1, 41)),
            *(client.post("ingest/realtime", reading(60, "much", site=f"s{each}")) for each in range(5)),
        )
        assert [status for status, _ in answers] == [202] * 40 + [400] * 5


async def test_a_single_reading_is_no_batch(serving):
    async with serving() as client:
        status, answer = await client.post("ingest/realtime", reading(60, meter="x" * 70_000))
        assert (status, answer["field"]) == (413, "body")


def test_a_writer_that_could_not_be_started_once_is_asked_again():
    class Disk:
        tries = 0

        def __init__(self):
            Disk.tries += 1
            if Disk.tries == 1:
                raise OSError(errno.EMFILE, "too many open files")

        def add(self, readings):
            return [True for _ in readings]

        def close(self):
            pass

    writer, site = OwnThread("disk", Disk), Site(1, "a", [Change(0, {})])
    ingest = Ingest(writer, {"a": site}.get, None, FakeClock(wall_time=NOW), 86_400)
    with pytest.raises(OSError, match="too many"):
        ingest.submit([GOOD])
    assert ingest.submit([GOOD]).result(10).accepted == 1
    writer.close()
