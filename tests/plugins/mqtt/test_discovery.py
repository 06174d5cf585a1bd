"""Devices that announce themselves to Home Assistant: templates, units, who counts of several sensors, who is gone."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector_plugins.mqtt import METRICS, Mqtt
from collector_plugins.mqtt.config import Config
from collector_plugins.mqtt.discovery.template import Missing, parse_template
from collector_plugins.mqtt.messages import Dialects
from collector_plugins.mqtt.sensors import join_sensors

UP, WHY, POWER = METRICS.health.up, METRICS.health.unavailable, METRICS["power_watts"]
MESSAGE = {"power": "12.5", "a": {"b": [1, 20]}, "none": None, "on": True}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ value_json.power }}", "12.5"),
        ("{{value_json['a']['b'][1]}}", 20),
        ('{{ value_json["a"].b.1 }}', ValueError),
        ("{{ value_json.power | float }}", "12.5"),
        ("{{ value_json.power | float(0) / 1000 }}", 0.0125),
        ("{{ (value_json.power | float - 2.5) * -2 | abs }}", -20.0),
        ("{{ -value_json.power | float }}", -12.5),
        ("{{ value_json.a.b[0] + value_json.a.b[1] * 2 }}", 41.0),
        ("{{ value_json.power | multiply(1000) | round(1) }}", 12500.0),
        ("{{- value_json.missing | default(0) -}}", Missing),
        ("{{ value_json.a.b[7] }}", Missing),
        ("{{ value_json.power / 0 }}", None),
        ("{{ value_json.none * 2 }}", None),
        ("{{ value_json.on * 2 }}", None),
        ("{{ 1e999 }}", ValueError),
        ("{{ value }}", json.dumps(MESSAGE)),
        ("{{ states('sensor.x') }}", ValueError),
        ("{{ value_json.__class__() }}", ValueError),
        ("{{ value_json[power] }}", ValueError),
        ("{{ value_json.power", ValueError),
        ("{{ value_json. }}", ValueError),
        ("{{ }}", ValueError),
        ("{{ value_json.power }} W", ValueError),
        ("{% if x %}1{% endif %}", ValueError),
        ("{{ value_json.power | as_timestamp }}", ValueError),
        ("{{ value_json.power if value_json.on else 0 }}", ValueError),
        ("{{ " + "(" * 200 + "1" + ")" * 200 + " }}", ValueError),
    ],
)
def test_a_template_picks_a_number_or_is_refused(template, value):
    if isinstance(value, type):
        with pytest.raises(value):
            parse_template(template).value(json.dumps(MESSAGE), MESSAGE)
    else:
        assert parse_template(template).value(json.dumps(MESSAGE), MESSAGE) == value


PIECES = [
    "{{",
    "}}",
    "value_json",
    "value",
    ".a",
    "['a']",
    "[0]",
    "|",
    "float",
    "(",
    ")",
    "-",
    "*",
    "/",
    "1",
    " ",
    "{%",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=20).map("".join), st.text(max_size=20))
@example("{{" + "-" * 300 + "1}}", "")
def test_no_template_does_more_than_be_refused(template, text):
    try:
        parse_template(template).value(text, text)
    except (ValueError, Missing):
        return


@pytest.mark.parametrize(
    ("names", "whole"),
    [
        ({"": 1.0}, 1.0),
        ({"Anything": 1.0}, 1.0),
        ({"Power": 1.0, "Power L1": 2.0}, 1.0),
        ({"Active power": 1.0, "Total active power": 2.0, "Phase a": 3.0}, 2.0),
        ({"Left": 1.0, "Right": 2.0}, None),
        ({"Power": 1.0, "Load": 2.0}, None),
    ],
)
def test_of_several_sensors_the_whole_device_is_the_one_that_says_so(names, whole):
    reading = join_sensors({("power_watts", name): value for name, value in names.items()})
    assert reading.get(("power_watts", "")) == whole
    outlets = [value for (family, _), value in reading.items() if family == "outlet_power_watts"]
    assert sorted(outlets) == sorted(value for value in names.values() if len(names) > 1 and value != whole)


def sensor(topic, device="desk", **more):
    said = {"device_class": "power", "unit_of_measurement": "W", "state_topic": topic, "name": "Power"}
    told = device if isinstance(device, dict) else {"identifiers": [device], "name": device}
    return json.dumps(said | {"device": told} | more)


@pytest.fixture
def made(collector_harness):
    class Told(Mqtt):
        def open(self):
            """Nobody is asked."""

    return collector_harness(Told, max_devices=3)


def take(made, topic, payload):
    made.collector._take(topic, payload.encode(), False)
    made.run()


def test_a_device_is_renamed_and_taken_back(made):
    take(made, "homeassistant/sensor/x/config", sensor("s/1"))
    take(made, "s/1", "5")
    assert made.series(POWER) == {("desk",): 5.0}
    renamed = sensor("s/1", device={"identifiers": ["desk"], "name": "Table"})
    take(made, "homeassistant/sensor/x/config", renamed)
    take(made, "s/1", "6")
    assert made.series(POWER) == {("Table",): 6.0}
    take(made, "homeassistant/sensor/y/config", sensor("s/2", name="Left"))
    take(made, "s/2", "1")
    take(made, "homeassistant/sensor/y/config", "")
    assert made.series(METRICS["outlet_power_watts"]) == {}
    take(made, "homeassistant/sensor/x/config", "")
    assert made.series(UP) == {}


def test_of_two_with_the_same_name_each_has_the_same_label_whoever_comes_first(collector_harness):
    def labels(*order):
        class Told(Mqtt):
            def open(self):
                """Nobody is asked."""

        made = collector_harness(Told)
        for key in order:
            said = sensor(f"s/{key}", device={"identifiers": [key], "name": "Plug"})
            take(made, f"homeassistant/sensor/{key}/config", said)
        for key, watts in (("a", "1"), ("b", "2")):
            take(made, f"s/{key}", watts)
        return made.series(POWER)

    assert labels("a", "b") == labels("b", "a") == {("Plug",): 1.0, ("Plug (b)",): 2.0}


def test_a_state_that_is_no_number_takes_the_old_one_away(made):
    take(made, "homeassistant/sensor/x/config", sensor("s/1"))
    for said in ("5", "unavailable", "nan", "1e999"):
        take(made, "s/1", said)
        assert made.series(POWER) == ({("desk",): 5.0} if said == "5" else {})


def test_one_whose_templates_are_not_understood_is_told_until_they_are(made):
    take(made, "homeassistant/sensor/x/config", sensor("s/1", value_template="{{ states('x') }}"))
    take(made, "s/1", "5")
    assert made.value(WHY, device="desk", reason="not_supported") == 1
    take(made, "homeassistant/sensor/x/config", sensor("s/1"))
    take(made, "s/1", "5")
    assert made.series(POWER) == {("desk",): 5.0}
    assert made.series(WHY) == {}


def test_all_of_several_topics_must_say_that_it_is_there(made):
    listed = [{"topic": "t/1"}, {"topic": "t/2", "payload_available": "1", "payload_not_available": "0"}]
    said = sensor("s/1", availability=listed, availability_mode="all")
    take(made, "homeassistant/sensor/x/config", said)
    take(made, "s/1", "5")
    for topic, payload, is_up in [("t/1", "online", 1), ("t/2", "0", 0), ("t/1", "online", 0), ("t/2", "1", 1)]:
        take(made, topic, payload)
        assert made.value(UP, device="desk") == is_up


def test_who_announces_without_end_takes_no_memory_without_end(made):
    for number in range(50):
        take(made, f"homeassistant/sensor/{number}/config", sensor(f"s/{number}", device=f"d{number}"))
    for number in range(500):
        take(made, f"homeassistant/sensor/n{number}/config", sensor(f"t/{number}", device="d0", name=str(number)))
    announced = made.collector._dialects._announced
    assert len(announced._devices) == 3
    assert len(announced._readers) < 100
    assert len(announced._announcements) < 100


def test_a_node_of_esphome_that_announces_itself_later_is_not_there_twice(made):
    take(made, "washer/sensor/power/state", "5")
    assert made.series(POWER) == {("washer",): 5.0}
    take(
        made, "homeassistant/sensor/washer/power/config", sensor("washer/sensor/power/state", device="Washing machine")
    )
    take(made, "washer/sensor/power/state", "6")
    assert made.series(POWER) == {("Washing machine",): 6.0}


KEYS = [
    "~",
    "name",
    "device_class",
    "unit_of_meas",
    "stat_t",
    "val_tpl",
    "dev",
    "cmps",
    "avty",
    "avty_t",
    "o",
    "ids",
    "p",
]
DOCUMENTS = st.recursive(
    st.sampled_from(["power", "W", "kWh", "energy", "a/b", "{{ value_json.a }}", "sensor", "", 1, None, True, "#"]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(KEYS), each, max_size=8),
    max_leaves=20,
)


@given(st.sampled_from(["sensor/x", "device/x", "sensor/n/x"]), st.lists(DOCUMENTS, max_size=4), DOCUMENTS)
def test_whatever_is_announced_is_understood_or_left_out(kind, announcements, state):
    dialects = Dialects(Config())
    for number, said in enumerate(announcements):
        topic = f"homeassistant/{kind}{number % 2}/config"
        for message in dialects.parse(topic, json.dumps(said).encode()):
            assert message.device
        assert not any(set(topic) & set("+#") for topic in dialects.announced_by(topic))
    for message in dialects.parse("a/b", json.dumps(state).encode()):
        assert message.device
