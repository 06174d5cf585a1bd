"""Devices on loopback that answer, hang, refuse and count."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.devices import find_in_json, find_in_text, find_in_xml
from collector_core.errors import NotAvailable
from collector_plugins.http import METRICS, Http
from collector_plugins.http.models import models, read_model
from tests.plugserver import PlugServer

UP, POWER, ENERGY = METRICS.health.up, METRICS["power_watts"], METRICS["energy_joules"]
WHY = METRICS.health.unavailable


class Devices(PlugServer):
    """Answers `/NAME` with what `answers` has: a status and a document; None hangs."""

    def __init__(self):
        super().__init__()
        self.answers = {}

    def answer(self, path):
        if (said := self.answers[path.strip("/")]) is None:
            return None
        status, document = said
        return status, json.dumps(document).encode()


@pytest.fixture(scope="module")
def devices():
    with Devices() as server:
        yield server


@pytest.fixture
def harness(collector_harness, devices):
    devices.asked.clear()

    def make(interval=10.0, **answers):
        devices.answers = answers
        entries = [
            {"name": name, "url": f"{devices.url}/{name}", "power_watts": "/w", "energy_wh": "/wh"} for name in answers
        ]
        entries[0] |= {"username": "me", "password": "secret"}
        return collector_harness(Http, interval=interval, devices=entries)

    return make


def test_two_that_hang_cost_the_third_nothing(harness):
    made = harness(a=None, b=(200, {"w": 5}), c=None, interval=0.2)
    for _ in range(2):
        made.run(advance=0.2)
        assert made.series(POWER) == {("b",): 5.0}
    assert made.series(UP) == {("a",): 0.0, ("b",): 1.0, ("c",): 0.0}
    assert made.value(WHY, device="a", reason="timeout") == 1


def test_a_number_that_is_none_costs_only_itself(harness):
    made = harness(a=(200, {"w": float("nan"), "wh": 2}), b=(200, {"w": 5, "wh": float("inf")}))
    made.run()
    assert made.series(POWER) == {("b",): 5.0}
    assert made.series(ENERGY) == {("a",): 7200.0}
    assert made.series(UP) == {("a",): 1.0, ("b",): 1.0}


@pytest.mark.parametrize(
    ("kind", "place", "text"),
    [
        ("json", "/w", '{"name": "K\xfcche", "w": 7}'),
        ("xml", "w", '<?xml version="1.0" encoding="ISO-8859-1"?><m name="K\xfcche"><w>7</w></m>'),
        ("text", r"w=(\d+)", "K\xfcche w=7"),
    ],
)
def test_numbers_are_read_from_an_answer_that_is_not_utf_8(collector_harness, kind, place, text):
    with PlugServer(body=text.encode("latin-1")) as server:
        devices = [{"name": "old", "url": server.url, "format": kind, "power_watts": place}]
        made = collector_harness(Http, devices=devices)
        made.run()
    assert made.series(POWER) == {("old",): 7.0}


def test_a_refused_login_is_not_tried_again(harness, devices):
    made = harness(a=(401, {}), b=(200, {"w": 5}))
    for _ in range(5):
        made.run(advance=100)
    assert [path for path, _ in devices.asked].count("/a") == 1
    assert devices.asked[0] == ("/a", "Basic bWU6c2VjcmV0") or devices.asked[1] == ("/a", "Basic bWU6c2VjcmV0")
    assert made.value(WHY, device="a", reason="auth") == 1
    assert "secret" not in "".join(part.text for part in made.part_failures)


def test_its_counter_never_falls_and_its_energy_starts_at_0(harness, devices):
    made = harness(a=(200, {"wh": 1000}))
    joules = []
    for told in (1000, 1001, 0, 1002):
        devices.answers["a"] = (200, {"wh": told})
        made.run(advance=10)
        joules.append(made.value(ENERGY, device="a"))
    assert joules == [3.6e6, 3.6036e6, 3.6036e6, 3.6072e6]
    (meter,) = made.collector.collector_energy_meters()
    assert meter.latest().joules == pytest.approx(7200)


def test_between_readings_its_energy_is_the_area_under_its_power_and_across_a_gap_its_counter(harness, devices):
    made = harness(a=(200, {"w": 100, "wh": 50}))
    made.run()
    made.run(advance=10)
    (meter,) = made.collector.collector_energy_meters()
    assert meter.latest().joules == 1000
    devices.answers["a"] = (200, {"w": 100, "wh": 60})
    made.run(advance=360)
    assert meter.latest().joules == 1000 + 36000
    assert meter.latest().unknown_gaps == 0


def test_the_meter_of_one_that_is_gone_knows_nothing(harness, devices):
    made = harness(a=(200, {"w": 100}))
    made.run()
    devices.answers["a"] = (500, {})
    made.run(advance=10)
    assert [meter.latest() for meter in made.collector.collector_energy_meters()].count(None) == len(
        made.collector.collector_energy_meters()
    )
    assert made.value(UP, device="a") == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["meters", "0", "power", "ENERGY"]), inner)
    ),
    max_leaves=12,
)


@given(JSON, st.text(max_size=30))
def test_whatever_a_device_answers_is_a_number_or_nothing(document, text):
    for rows in models().values():
        assert all(isinstance(value, float) for value in read_model(rows, document).values())
    assert find_in_json(document)("/meters/0/power") is None or document
    assert find_in_text(text)(r"power (\S+)") is None or "power" in text


@given(st.text(max_size=60))
def test_xml_that_is_none_says_so(text):
    try:
        find_in_xml(text)
    except NotAvailable as error:
        assert error.reason == "bad_data"
