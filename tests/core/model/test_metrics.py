"""Declarations refuse what would confuse dashboards later."""

import pytest

from collector_core import Counter, DeclarationError, Gauge, Info, Unit


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
    ],
)
def test_a_bad_declaration_is_refused_with_its_reason(declare, message):
    with pytest.raises(DeclarationError, match=message):
        declare()


def test_the_base_name_is_the_openmetrics_family():
    assert Counter("shelly_energy_joules_total", "x", Unit.JOULES).base_name == "shelly_energy_joules"
    assert Info("shelly_device_info", "x").base_name == "shelly_device"
    assert Gauge("shelly_power_watts", "x", Unit.WATTS).base_name == "shelly_power_watts"


def test_declarations_compare_by_what_they_say_only_when_asked():
    one, two = Gauge("shelly_on", "x"), Gauge("shelly_on", "x")
    assert one != two
    assert one.same_as(two)
    assert not one.same_as(Gauge("shelly_on", "y"))
