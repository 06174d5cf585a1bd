"""What happens to a machine: quiet days, loads, gaps, nights that it is off, sensors that freeze."""

import pytest

from collector_core import Result
from collector_plugins.anomaly import Anomaly, metrics
from collector_plugins.anomaly.config import Config
from collector_plugins.system import metrics as system

CPU, MEMORY, HEAT = "system_cpu_usage_ratio", "system_memory_used_bytes", "system_temperature_celsius"
POWER = 'rapl_energy_joules_total{package="0",path="intel-rapl:0",zone="package-0"}'


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_quiet_days_show_no_anomaly(machine, seed):
    assert [each.description for each in machine(seed=seed).days(4)] == []


def test_a_load_shows_as_an_anomaly_with_a_sensible_description(learnt_machine):
    found = learnt_machine()
    found.host.load = 0.8
    begun = found.rows(3)
    (cpu,) = (each for each in begun if each.component == "cpu")
    assert cpu.description.startswith("CPU use of this machine is 0.")
    assert ", expected 0." in cpu.description
    assert " at this time of day; the highest in 6 days" in cpu.description
    assert cpu.severity >= 4
    assert {HEAT, MEMORY} <= {text.partition("{")[0] for text in cpu.related}
    assert any("top" in action for action in cpu.actions)
    assert {each.component for each in begun} == {"cpu", "memory", "power", "temperature"}


def test_what_begins_is_logged_with_its_severity_and_noted_in_the_history(learnt_machine, caplog):
    found = learnt_machine()
    found.host.load = 0.8
    begun = found.rows(1)
    assert begun
    for incident in begun:
        assert f"severity {incident.severity}: {incident.description}" in caplog.text
        assert ("anomaly", f"severity {incident.severity}: {incident.description}") in found.anomaly.events


def test_an_anomaly_is_active_until_the_series_is_as_it_was(learnt_machine):
    found = learnt_machine()
    found.host.load = 0.8
    found.rows(12)
    assert "cpu" in {component for component, _ in found.active()}
    found.host.load = 0.0
    found.rows(24)
    assert found.active() == set()
    assert all(each.ended for each in found.incidents())
    shown = found.anomaly.series(metrics.ACTIVE)
    assert shown
    assert set(shown.values()) == {0.0}
    assert sum(found.anomaly.series(metrics.DETECTED).values()) == len(found.incidents())


def test_series_that_never_change_or_are_always_0_are_no_anomalies(machine):
    found = machine()
    found.host.change(system.MEMORY_USED, 4e9)
    assert found.days(3) == []


def test_a_machine_that_was_off_for_a_night_makes_no_storm(learnt_machine):
    found = learnt_machine()
    found.clock.advance(9 * 3600)
    found.host.restart_counters()
    found.host.load = 0.3
    assert found.rows(2) == []
    found.host.load = 0.0
    assert found.days(0.5) == []


@pytest.mark.parametrize(("row_of_load", "is_reported"), [(1, False), (2, False), (3, True)])
def test_nothing_is_reported_for_ten_minutes_after_a_gap(learnt_machine, caplog, row_of_load, is_reported):
    caplog.set_level("INFO")
    found = learnt_machine()
    found.clock.advance(9 * 3600)
    found.rows(1)
    assert "nothing is judged for the next 3 rows" in caplog.text
    assert found.rows(row_of_load - 1) == []
    found.host.load = 0.8
    assert bool(found.rows(1)) is is_reported


def test_a_pause_of_three_rows_is_no_gap(learnt_machine):
    found = learnt_machine()
    found.clock.advance(2 * found.row)
    found.host.load = 0.8
    assert found.rows(1)


def test_a_counter_that_starts_again_at_0_is_no_anomaly(learnt_machine):
    found = learnt_machine()
    found.host.restart_counters()
    assert found.rows(24) == []


def test_a_sensor_that_freezes_is_stuck(learnt_machine):
    found = learnt_machine()
    found.host.change(system.TEMPERATURE, 43.21)
    (incident,) = found.rows(60)
    assert (incident.type, incident.component, incident.severity) == ("stuck", "temperature", 1)
    assert "is stuck: exactly 43.2 °C for 150 minutes" in incident.description
    assert "energy-collector doctor" in incident.actions[0]
    del found.host.changes[system.TEMPERATURE]
    found.rows(10)
    assert found.active() == set()


def test_a_sensor_that_says_0_is_zero(learnt_machine):
    found = learnt_machine()
    found.host.change(system.TEMPERATURE, 0.0)
    (incident,) = found.rows(20)
    assert (incident.type, incident.component) == ("zero", "temperature")
    assert "is 0 °C" in incident.description
    assert ("temperature", "zero") in found.active()


def test_rules_are_silent_while_a_series_is_learnt(machine):
    found = machine()
    assert found.rows(400) == []
    found.host.change(system.TEMPERATURE, 0.0)
    assert found.rows(20) == []
    found.host.change(system.TEMPERATURE, None)
    assert found.rows(20) == []
    assert found.active() == set()


def test_a_series_that_is_gone_while_its_collector_runs_is_missing(learnt_machine):
    found = learnt_machine()
    found.host.change(system.TEMPERATURE, None)
    (incident,) = found.rows(20)
    assert (incident.type, incident.component) == ("missing", "temperature")
    assert "is missing although its collector is running: no reading for 25 minutes" in incident.description
    assert ("temperature", "missing") in found.active()
    del found.host.changes[system.TEMPERATURE]
    found.rows(6)
    assert found.active() == set()


@pytest.mark.parametrize("result", [Result.UNAVAILABLE, Result.ERROR, Result.TIMEOUT])
def test_a_collector_that_fails_is_not_our_anomaly(learnt_machine, result):
    """`collector_up` says so already."""
    found = learnt_machine()
    assert found.rows(20, result=result) == []
    assert found.active() == set()
    assert found.anomaly.series(metrics.SCORE) == {}
    assert found.rows(20) == []


def test_a_partial_run_counts_for_what_it_has(learnt_machine):
    found = learnt_machine()
    found.host.load = 0.8
    assert "cpu" in {each.component for each in found.rows(1, result=Result.PARTIAL)}


def test_the_first_errors_in_days_are_a_rare_event_and_the_next_ones_are_not(learnt_machine):
    found = learnt_machine()
    found.host.errors = 12.0
    (incident,) = found.rows(1)
    assert (incident.type, incident.component, incident.severity) == ("rare_event", "network", 1)
    assert incident.description.endswith("is 0.04 /s, its first event in 6 days")
    found.host.errors = 0.0
    found.rows(50)
    found.host.errors = 9.0
    assert found.rows(1) == []


def test_nothing_is_judged_while_too_little_is_known(machine):
    found = machine()
    found.rows(100)
    found.host.load = 0.8
    assert found.rows(50) == []
    assert found.anomaly.series(metrics.SCORE) == {}
    assert found.anomaly.value(metrics.WARMING_UP) == found.anomaly.value(metrics.WATCHED) == 9


def test_a_series_shows_its_score_and_what_was_expected(learnt_machine):
    found = learnt_machine()
    found.rows(1)
    scores, predicted = found.anomaly.series(metrics.SCORE), found.anomaly.series(metrics.PREDICTED)
    assert 0.0 <= scores[CPU, "cpu"] < 0.5
    assert predicted[CPU, "cpu"] == pytest.approx(0.1, abs=0.08)
    assert predicted[POWER, "power"] == pytest.approx(26, abs=4)
    assert found.anomaly.value(metrics.WARMING_UP) == 0
    assert 'anomaly_score_ratio{component="cpu",series="system_cpu_usage_ratio"} ' in found.anomaly.exposition()


def test_more_series_than_max_watched_are_counted(machine):
    found = machine(max_watched=4)
    found.rows(5)
    assert (found.anomaly.value(metrics.WATCHED), found.anomaly.value(metrics.UNWATCHED)) == (4, 5)


def test_a_series_that_is_gone_for_an_hour_makes_room_for_another(machine):
    found = machine(max_watched=8)
    found.rows(5)
    found.host.change(system.CPU_USAGE, None)
    found.rows(54)
    assert (found.anomaly.value(metrics.WATCHED), found.anomaly.value(metrics.UNWATCHED)) == (8, 1)
    found.rows(26)
    assert (found.anomaly.value(metrics.WATCHED), found.anomaly.value(metrics.UNWATCHED)) == (8, 0)
    assert CPU not in found.plugin.watcher.series


def test_a_series_that_was_not_seen_for_a_week_is_forgotten(machine):
    found = machine(series=[CPU, MEMORY], row=3600.0)
    found.rows(3)
    found.host.change(system.CPU_USAGE, None)
    found.rows(7 * 24 - 40)
    assert CPU in found.plugin.watcher.series
    found.rows(60)
    assert set(found.plugin.watcher.series) == {MEMORY}


def test_only_what_is_chosen_and_not_excluded_is_watched(machine):
    found = machine(series=["system_network_*", CPU], exclude=['{device="eth0"}'])
    found.rows(2)
    assert set(found.plugin.watcher.series) == {CPU}


def test_incidents_are_bounded(learnt_machine):
    found = learnt_machine(max_records=2)
    found.host.load = 0.8
    assert sum(found.anomaly.series(metrics.DETECTED).values()) == 0
    found.rows(3)
    assert len(found.incidents()) == 2
    assert sum(found.anomaly.series(metrics.DETECTED).values()) == 4


def test_a_full_house_fits_the_series_budget():
    assert 2 * Config().max_watched + 1000 <= Anomaly.default_max_series


def test_without_a_file_it_does_not_run_and_says_how(collector_harness):
    refusal = Anomaly.detect(collector_harness(Anomaly).context)
    assert "disabled by default" in str(refusal)
    assert "anomaly: {}" in refusal.fix
