"""Declarations refuse what would confuse dashboards later."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Counter, DeclarationError, Gauge, Info, Unit
from collector_core.model.units import unit_problem


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Gauge("ShellyPower", "x"), "snake_case"),
        (lambda: Gauge("shelly__power", "x"), "snake_case"),
        (lambda: Gauge("shelly_power", "x", Unit.WATTS), "must carry its unit"),
        (lambda: Gauge("shelly_power_watts", "x"), "Unit.WATTS"),
        (lambda: Gauge("shelly_load_percent", "x"), "ratio"),
        (lambda: Gauge("shelly_energy_kwh", "x"), "joules"),
        (lambda: Gauge("shelly_runs_total", "x"), "must not end in _total"),
        (lambda: Gauge("shelly_rows_count", "x"), "histograms"),
        (lambda: Counter("shelly_energy_joules", "x", Unit.JOULES), "must end in _total"),
        (lambda: Counter("shelly_energy_total", "x", Unit.JOULES), "must carry its unit"),
        (lambda: Info("shelly_device", "x"), "must end in _info"),
        (lambda: Gauge("shelly_power_watts", " ", Unit.WATTS), "help is missing"),
        (lambda: Gauge("shelly_power_watts", "x", Unit.WATTS, ("Plug",)), "snake_case"),
        (lambda: Gauge("shelly_power_watts", "x", Unit.WATTS, ("le",)), "reserved"),
        (lambda: Gauge("shelly_power_watts", "x", Unit.WATTS, ("a", "a")), "twice"),
        (lambda: Gauge("shelly_power_watts", "x", Unit.WATTS, ["plug"]), "tuple"),
        (lambda: Gauge("shelly_power_watts", "x", ("plug",)), "the unit must be a Unit or a word"),
        (lambda: Gauge("shelly_power", "x", "volt_amperes"), "must carry its unit: …_volt_amperes"),
        (lambda: Gauge("shelly_power_Lux", "x", "Lux"), "the unit 'Lux' must be snake_case"),
        (lambda: Gauge("shelly_power", "x", "volt amperes"), "the unit 'volt amperes' must be snake_case"),
        (lambda: Gauge("shelly_load_percent", "x", "percent"), "'percent' is not a base unit: use ratio"),
        (lambda: Gauge("shelly_energy_kwh", "x", "kwh"), "'kwh' is not a base unit: use joules"),
        (lambda: Gauge("shelly_energy_kwh", "x", "active_kWh"), "'active_kWh' is not a base unit: use joules"),
        (lambda: Gauge("shelly_kilovolt_amperes", "x", "kilovolt_amperes"), "use volt_amperes"),
        (lambda: Gauge("shelly_size_megabits", "x", "megabits"), "use bytes"),
        (lambda: Gauge("shelly_age_hours", "x", "hours"), "use seconds"),
        (lambda: Gauge("shelly_on", "x", topic="Power"), "topic 'Power' must be snake_case"),
        (lambda: Gauge("shelly_on", "x", of="green house"), "of 'green house' must be snake_case"),
        (lambda: Info("shelly_info", "x", topic=7), "topic 7 must be snake_case"),
        (lambda: Gauge("shelly_on", "x", title="Power\nof it"), "title must be one line"),
        (lambda: Gauge("shelly_on", "x", title=" "), "title must be one line"),
    ],
)
def test_a_bad_declaration_is_refused_with_its_reason(declare, message):
    with pytest.raises(DeclarationError, match=message):
        declare()


@pytest.mark.parametrize(
    "unit", ["watts", "volt_amperes", "volt_amperes_reactive", "lux", "pascals", "decibels_a", "grams_per_kwh"]
)
def test_any_base_unit_can_be_named(unit):
    metric = Gauge(f"shelly_x_{unit}", "x", unit)
    assert metric.unit == unit


@pytest.mark.parametrize("kind", [Gauge, Counter, Info])
def test_a_metric_says_what_it_is_about(kind):
    name = {Gauge: "shelly_on", Counter: "shelly_on_total", Info: "shelly_on_info"}[kind]
    metric = kind(name, "x", topic="power", of="greenhouse", title="Power of the greenhouse")
    assert (metric.topic, metric.of, metric.title) == ("power", "greenhouse", "Power of the greenhouse")
    assert metric.same_as(kind(name, "x"))


@given(st.text(max_size=12))
def test_a_unit_is_refused_or_a_word(unit):
    problem = unit_problem(unit)
    assert problem is not None or not unit or re.fullmatch("[a-z0-9_]+", unit)


def test_the_base_name_is_the_openmetrics_family():
    assert Counter("shelly_energy_joules_total", "x", Unit.JOULES).base_name == "shelly_energy_joules"
    assert Info("shelly_device_info", "x").base_name == "shelly_device"
    assert Gauge("shelly_power_watts", "x", Unit.WATTS).base_name == "shelly_power_watts"


def test_declarations_compare_by_what_they_say_only_when_asked():
    one, two = Gauge("shelly_on", "x"), Gauge("shelly_on", "x")
    assert one != two
    assert one.same_as(two)
    assert not one.same_as(Gauge("shelly_on", "y"))
