"""How right the detector was: what people say of anomalies, what only rules noticed, and where that is shown."""

import asyncio

import pytest

from collector_core import Collector, Gauge
from collector_core.testing import serve_routes
from collector_plugins.alerts.metrics import ACTIVE as ALERTS_ACTIVE
from collector_plugins.anomaly import api, metrics, page
from collector_plugins.anomaly.incidents.incident import CONFIRMED, MUTED, Incident
from collector_plugins.anomaly.incidents.track_record import AlreadyJudgedError, Miss, TrackRecord, summary_of

START = 1_700_000_000.0


class SimulatedAlerts(Collector):
    """What the plugin `alerts` publishes: `firing` is a set of names of rules."""

    name = "alerts"
    metrics = (ALERTS_ACTIVE, Gauge("alerts_rules", "Rules."))
    firing = frozenset()
    rules = ("TargetDown", "CollectorDown", "SevereAnomaly", "BatteryLow")

    def collect(self, out):
        for rule in self.rules:
            out.add(ALERTS_ACTIVE, rule in self.firing, alert=rule, severity="warning")


@pytest.fixture
def with_alerts(learnt_machine, collector_harness):
    """Makes a watched machine with a collector of alerts beside it."""

    def make():
        found = learnt_machine()
        alerts = collector_harness(SimulatedAlerts, clock=found.clock)
        found.sources.append(alerts)
        alerts.collector.host = found.host
        found.rows(2)
        return found, alerts.collector

    return make


def incident(minutes=0.0):
    return Incident(START + 60 * minutes, "level", 3, "cpu", "cpu_x", "CPU is odd", 0.9, actions=("look",))


def request(found, method, path):
    async def ask():
        async with serve_routes(found.plugin.collector_routes()) as client, client.request(method, path) as answer:
            return answer.status, await answer.json()

    return asyncio.run(ask())


def outcomes(found):
    return {labels[0]: int(number) for labels, number in found.anomaly.series(metrics.ALARMS).items()}


def test_each_is_judged_once_and_the_same_twice_counts_once():
    record, one = TrackRecord(START), incident()
    record.judge(one, CONFIRMED)
    record.judge(one, CONFIRMED)
    with pytest.raises(AlreadyJudgedError, match="confirmed before"):
        record.judge(one, MUTED)
    assert record.counts() == {"raised": 0, "confirmed": 1, "muted": 0, "missed": 0}


def test_ratios_are_unknown_until_something_is_judged():
    record = TrackRecord(START)
    assert (record.to_json()["precision"], record.to_json()["recall"]) == (None, None)
    for minutes in range(3):
        record.judge(incident(minutes), CONFIRMED)
    record.judge(incident(9), MUTED)
    record.add_miss(Miss(START, "TargetDown"))
    assert (record.to_json()["precision"], record.to_json()["recall"]) == (0.75, 0.75)
    assert "3 confirmed, 1 muted; 1 missed" in summary_of(record.to_json())
    assert "75% were right" in summary_of(record.to_json())


def test_restored_it_goes_on_from_the_first_start():
    record = TrackRecord(START)
    record.count_raised(3)
    record.add_miss(Miss(START + 5, "TargetDown"))
    later = TrackRecord(START + 1000)
    later.restore(record.state())
    assert later.to_json() == record.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"since": None},
        {"since": 1e300},
        {"counts": {"raised": -1}},
        {"counts": {"raised": 1.5}},
        {"counts": {"other": 1}},
        {"counts": []},
        {"misses": [[1]]},
        {"misses": [[1e300, "x"]]},
        {"misses": [[1, 2]]},
        {"misses": {}},
    ],
)
def test_a_damaged_record_is_refused(change):
    with pytest.raises((ValueError, OverflowError)):
        TrackRecord(START).restore(TrackRecord(START).state() | change)


def test_what_is_muted_is_no_longer_active_and_stays_away_until_it_is_over(learnt_machine):
    found = learnt_machine()
    found.host.change(next(m for m in found.host.now if m.name == "system_cpu_usage_ratio"), None)
    found.rows(8)
    (anomaly,) = [each for each in found.incidents() if each.ended is None]
    status, said = request(found, "POST", f"{api.PATH}/{anomaly.id}/mute")
    assert (status, said["outcome"]) == (200, "muted")
    assert found.rows(20) == []
    assert found.active() == set()
    assert anomaly.id not in {labels[0] for labels in found.anomaly.series(metrics.INCIDENT)}
    assert outcomes(found) == {"raised": 1, "confirmed": 0, "muted": 1, "missed": 0}


def test_what_people_say_is_served_and_survives_a_restart(learnt_machine, collector_harness, tmp_path):
    found = learnt_machine()
    found.host.load = 0.8
    raised = len(found.rows(1))
    anomaly = found.incidents()[0]
    assert request(found, "POST", f"{api.PATH}/{anomaly.id}/confirm")[0] == 200
    assert request(found, "POST", f"{api.PATH}/{anomaly.id}/confirm")[0] == 200
    assert request(found, "POST", f"{api.PATH}/{anomaly.id}/mute")[0] == 409
    assert request(found, "POST", f"{api.PATH}/nothing/mute")[0] == 404
    assert request(found, "POST", f"{api.PATH}/{anomaly.id}/praise")[0] == 404
    assert request(found, "GET", api.PATH)[1]["anomalies"][0]["outcome"] == "confirmed"
    found.rows(2)  # what was said is saved at once, in two runs: a kill loses nothing
    restarted = collector_harness(
        type(found.plugin), clock=found.clock, row=found.row, state_dir=str(tmp_path / "state"), history_days=0
    )
    restarted.run()
    assert restarted.series(metrics.ALARMS) == {
        ("raised",): raised, ("confirmed",): 1, ("muted",): 0, ("missed",): 0
    }  # fmt: skip
    (kept,) = [each for each in restarted.collector._latest if each.id == anomaly.id]
    assert kept.outcome == CONFIRMED


def test_a_rule_that_fires_where_no_anomaly_was_counts_as_missed(with_alerts):
    found, alerts = with_alerts()
    alerts.firing = {"TargetDown", "CollectorDown"}
    found.rows(5)
    assert outcomes(found)["missed"] == 1
    found.rows(5)
    assert outcomes(found)["missed"] == 1
    assert request(found, "GET", api.RECORD_PATH)[1]["misses"][0]["alert"] == "TargetDown"
    alerts.firing = frozenset()
    found.rows(2)
    alerts.firing = {"TargetDown"}
    found.rows(5)
    assert outcomes(found)["missed"] == 2


def test_a_rule_that_fires_beside_an_anomaly_was_not_missed(with_alerts):
    found, alerts = with_alerts()
    alerts.firing = {"TargetDown"}
    found.rows(1)
    found.host.load = 0.8
    assert found.rows(1)
    found.rows(4)
    assert outcomes(found)["missed"] == 0


def test_the_page_shows_the_newest_with_what_was_said_of_them():
    record = TrackRecord(START)
    judged = incident(1)
    record.judge(judged, MUTED)
    section = page.section([judged, incident()], record.to_json())
    assert [row[1:5] for row in section.tables[0].rows] == [
        ["CPU is odd", "look", "3", "muted"],
        ["CPU is odd", "look", "3", "active"],
    ]
    assert "1 muted" in section.note
    empty = page.section([], record.to_json())
    assert (empty.tables, empty.text) == ([], "No anomaly was seen.")
    long = incident()
    long.description = "x" * 5000
    assert len(page.section([long], record.to_json()).tables[0].rows[0][1]) == 1000
