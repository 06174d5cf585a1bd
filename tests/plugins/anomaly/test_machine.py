"""What happens to a machine: quiet days, loads, gaps, nights that it is off, sensors that stand still."""

import pytest

from collector_core import Result
from collector_plugins.anomaly import metrics

CPU, MEMORY, HEAT = "system_cpu_usage_ratio", "system_memory_used_bytes", "system_temperature_celsius"


def metric(machine, name):
    return next(each for each in machine.system.metrics if each.name == name)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_quiet_days_show_no_anomaly(machine, seed):
    assert [each.description for each in machine(seed=seed).days(4)] == []


def test_a_load_shows_as_an_anomaly_with_a_sensible_description(machine):
    found = machine()
    found.days(6)
    found.system.load = 0.8
    begun = found.rows(3)
    (cpu,) = (each for each in begun if each.component == "cpu")
    assert cpu.description.startswith("CPU use of this machine is 0.")
    assert ", expected 0." in cpu.description
    assert " at this time of day; the highest in 6 days" in cpu.description
    assert cpu.severity >= 4
    assert {HEAT, MEMORY} <= {text.partition("{")[0] for text in cpu.related}
    assert any("top" in action for action in cpu.actions)
    assert {each.component for each in begun} == {"cpu", "memory", "power", "temperature"}


def test_an_anomaly_is_active_until_the_series_is_as_it_was(machine):
    found = machine()
    found.days(3)
    found.system.load = 0.8
    found.rows(12)
    assert "cpu" in {component for component, _ in found.active()}
    found.system.load = 0.0
    found.rows(24)
    assert found.active() == set()
    assert all(each.ended for each in found.records())
    shown = found.anomaly.series(metrics.ACTIVE)
    assert shown
    assert set(shown.values()) == {0.0}
    assert sum(found.anomaly.series(metrics.DETECTED).values()) == len(found.records())


def test_series_that_never_change_or_are_always_0_are_no_anomalies(machine):
    found = machine()
    found.system.changes[metric(found, MEMORY)] = 4e9
    assert found.days(3) == []


def test_a_machine_that_was_off_for_a_night_makes_no_storm(machine):
    found = machine()
    found.days(3)
    found.clock.advance(9 * 3600)
    found.system.totals = dict.fromkeys(found.system.totals, 0.0)
    found.system.load = 0.3
    assert found.rows(2) == []
    found.system.load = 0.0
    assert found.days(0.5) == []


def test_a_counter_that_starts_again_at_0_is_no_anomaly(machine):
    found = machine()
    found.days(3)
    found.system.totals = dict.fromkeys(found.system.totals, 0.0)
    assert found.rows(24) == []


def test_a_sensor_that_stands_still_is_stuck(machine):
    found = machine()
    found.days(3)
    found.system.changes[metric(found, HEAT)] = 43.21
    (record,) = found.rows(60)
    assert (record.type, record.component) == ("stuck", "temperature")
    assert "stands still: exactly 43.2 °C for 150 minutes" in record.description
    del found.system.changes[metric(found, HEAT)]
    found.rows(10)
    assert found.active() == set()


def test_a_sensor_that_says_0_is_zero(machine):
    found = machine()
    found.days(3)
    found.system.changes[metric(found, HEAT)] = 0.0
    (record,) = found.rows(20)
    assert (record.type, record.component) == ("zero", "temperature")
    assert "is 0 °C" in record.description
    assert ("temperature", "zero") in found.active()


def test_a_series_that_is_gone_while_its_collector_runs_is_missing(machine):
    found = machine()
    found.days(3)
    found.system.changes[metric(found, HEAT)] = None
    (record,) = found.rows(20)
    assert (record.type, record.component) == ("missing", "temperature")
    assert "is missing, though its collector runs" in record.description
    del found.system.changes[metric(found, HEAT)]
    found.rows(6)
    assert found.active() == set()


def test_a_collector_that_fails_is_not_our_anomaly(machine):
    """`collector_up` says so already."""
    found = machine()
    found.days(3)
    for _ in range(20):
        found.clock.advance(found.row)
        found.anomaly.hear(found.sim.report(Result.UNAVAILABLE, error="gone"))
        found.anomaly.run()
    assert found.active() == set()
    assert found.anomaly.series(metrics.SCORE) == {}


def test_the_first_errors_in_days_are_a_rare_event_and_the_next_ones_are_not(machine):
    found = machine()
    found.days(3)
    found.system.errors = 12.0
    (record,) = found.rows(1)
    assert (record.type, record.component, record.severity) == ("rare_event", "network", 1)
    assert "was not so in the last 3 days" in record.description
    found.system.errors = 0.0
    found.rows(50)
    found.system.errors = 9.0
    assert found.rows(1) == []


def test_nothing_is_judged_while_too_little_is_known(machine):
    found = machine()
    found.rows(100)
    found.system.load = 0.8
    assert found.rows(50) == []
    assert found.anomaly.series(metrics.SCORE) == {}
    assert found.anomaly.value(metrics.WARMING_UP) == found.anomaly.value(metrics.WATCHED) == 9


def test_a_series_shows_its_score_and_what_was_expected(machine):
    found = machine()
    found.days(3)
    (cpu,) = (key for key in found.anomaly.series(metrics.SCORE) if key[0] == CPU)
    assert cpu == (CPU, "cpu")
    assert 0.0 <= found.anomaly.series(metrics.SCORE)[cpu] < 0.5
    assert found.anomaly.series(metrics.PREDICTED)[cpu] == pytest.approx(0.1, abs=0.08)
    power = 'rapl_energy_joules_total{path="intel-rapl:0"}', "power"
    assert found.anomaly.series(metrics.PREDICTED)[power] == pytest.approx(26, abs=4)
    assert 'anomaly_score_ratio{component="cpu",series="system_cpu_usage_ratio"} ' in found.anomaly.exposition()


def test_more_series_than_max_watched_are_counted(machine):
    found = machine(max_watched=4)
    found.rows(5)
    assert (found.anomaly.value(metrics.WATCHED), found.anomaly.value(metrics.LEFT_OUT)) == (4, 5)


def test_a_series_that_is_gone_makes_room_for_another(machine):
    found = machine(max_watched=8)
    found.rows(5)
    found.system.changes[metric(found, CPU)] = None
    found.rows(80)
    assert (found.anomaly.value(metrics.WATCHED), found.anomaly.value(metrics.LEFT_OUT)) == (8, 0)


def test_only_what_is_chosen_and_not_excluded_is_watched(machine):
    found = machine(series=["system_network_*", CPU], exclude=['{device="eth0"}'])
    found.rows(2)
    assert set(found.anomaly.collector._watching.watched) == {CPU}


def test_records_are_bounded(machine):
    found = machine(max_records=2)
    found.days(3)
    found.system.load = 0.8
    found.rows(3)
    assert len(found.records()) == 2


def test_a_full_house_fits_the_series_budget():
    from collector_plugins.anomaly import Anomaly
    from collector_plugins.anomaly.config import Config

    assert 2 * Config().max_watched + 1000 <= Anomaly.default_max_series
