"""What is said of yesterday and of last month, from the history."""

import json
from math import inf

import pytest

from collector_core import Counter, Gauge, History, HistoryUnavailable, Unit
from collector_core.testing import FakeClock, serve_routes
from collector_plugins.performance.past import STEPS, step_of

LOAD = Gauge("system_cpu_usage_ratio", "Load.", Unit.RATIO, topic="load", of="cpu")
WATTS = Gauge("energy_power_watts", "Power.", Unit.WATTS, ("component", "device", "method"), topic="power", of="host")
READS = Counter("system_disk_reads_total", "Reads.", labels=("device",), topic="read_operations", of="disk")
SOCKETS = Gauge("system_sockets", "Sockets.", labels=("kind", "state"), topic="sockets", of="network")
LATENCY = Gauge("performance_network_latency_seconds", "L.", Unit.SECONDS, ("target",), topic="latency", of="network")
DAY = 86_400
NOW = 1_790_000_000 // DAY * DAY + 43_200
INCIDENT = (
    'anomaly_incident_info{id="a1",component="node",type="missing",severity="3",series="height",value="7",'
    'expected="12.5",description="Height is missing",actions="Read the log; Check peers"} 1\n'
)


async def ask(node, path):
    async with (
        serve_routes(node.collector.collector_routes()) as session,
        session.get(f"/api/v1/performance/{path}") as response,
    ):
        text = await response.text()
        return response.status, json.loads(text) if "json" in response.content_type else text


async def run(node, *arguments, **options):
    import asyncio

    await asyncio.to_thread(node.run, *arguments, **options)


@pytest.fixture
def later(node, collector_history):
    """The plugin at `NOW`, with what was recorded before."""
    return node(history=collector_history, clock=FakeClock(wall_time=NOW))


async def test_a_month_of_every_figure(later, collector_history):
    times = [NOW - 30 * DAY + 600 * n for n in range(30 * 144)]
    collector_history.record(LOAD, [(time, 0.9 if n == 1000 else 0.2) for n, time in enumerate(times)])
    collector_history.record(READS, [(time, 1200 * n) for n, time in enumerate(times)], device="sda")
    collector_history.record(SOCKETS, [(time, 7) for time in times], kind="tcp", state="listen")
    collector_history.record(LATENCY, [(time, 0.02) for time in times], target="router")
    for component, watts in (("cpu", 40), ("gpu", 200)):
        collector_history.record(
            WATTS, [(time, watts) for time in times], component=component, device="0", method="meter"
        )
    await run(later, "system_cpu_usage_ratio 0.5\n")
    status, report = await ask(later, f"report?from={NOW - 30 * DAY}")
    assert status == 200
    assert "each the mean of 60 minutes" in report
    (load,) = [line for line in report.splitlines() if line.startswith("| usage_ratio")]
    assert load.split(" | ")[1:] == ["0.5", "0.2002", "0.2", "0.9 |"], "the most is that of the readings"
    for row in (
        "| power_watts | – | 240 | 240 | 240 |",
        "| component_power_watts cpu/meter | – | 40 | 40 | 40 |",
        "| read_operations_per_second sda | – | 2 | ",
        "| sockets tcp/listen | – | 7 | 7 | 7 |",
        "| latency_seconds router | – | 0.02 | 0.02 | 0.02 |",
    ):
        assert row in report


async def test_snapshots_of_any_period(later, collector_history):
    collector_history.record(LOAD, [(NOW - DAY + 15 * n, n / 1000) for n in range(240)])
    await run(later, "system_cpu_usage_ratio 0.5\n")
    _, answer = await ask(later, f"history?from={NOW - DAY}&to={NOW - DAY + 60}&section=cpu")
    assert answer["snapshots"] == [
        {"node_id": "rack-7", "timestamp_seconds": NOW - DAY + 15 * n, "cpu": {"usage_ratio": n / 1000}}
        for n in range(4)
    ]
    _, answer = await ask(later, f"history?since={NOW - DAY}&step=1h")
    assert [each["timestamp_seconds"] for each in answer["snapshots"]] == [NOW - DAY, NOW]
    _, answer = await ask(later, "history")
    assert [each["cpu"]["usage_ratio"] for each in answer["snapshots"]] == [0.5], "the last hour has the newest alone"


async def test_times_are_unix_seconds_or_rfc_3339(later, collector_history):
    collector_history.record(LOAD, [(NOW - DAY, 0.25)])
    await run(later)
    from datetime import UTC, datetime

    text = datetime.fromtimestamp(NOW - DAY, UTC).isoformat().replace("+00:00", "Z")
    _, answer = await ask(later, f"history?from={text}&to={NOW - 1}")
    assert [each["cpu"] for each in answer["snapshots"]] == [{"usage_ratio": 0.25}]
    for name in ("from", "to"):
        status, answer = await ask(later, f"report?{name}=soon")
        assert (status, answer["field"]) == (400, name)
        assert "RFC 3339" in answer["error"]
    assert (await ask(later, "report?from=100&to=200"))[0] == 404


async def test_labels_of_a_collector_are_left_out_as_they_are_now(later, collector_history):
    labelled = Gauge("lamp_power_watts", "P.", Unit.WATTS, ("plug", "demo"), topic="power", of="plug")
    collector_history.record(labelled, [(NOW - 60, 5)], plug="a", demo="true", source="others")
    await run(later)
    later.collector._state = later.collector._state._replace(labels={"others": {"demo"}})
    _, answer = await ask(later, "history")
    assert answer["snapshots"][0]["plug"] == {"power_watts": {"a": 5}}


async def test_anomalies_are_known_after_a_restart(node, collector_history, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    clock = FakeClock(wall_time=NOW)
    before = node(history=collector_history, clock=clock)
    await run(before, INCIDENT)
    await run(before, INCIDENT.replace('severity="3"', 'severity="4"'), advance=15)
    clock.advance(DAY)
    after = node(history=collector_history, clock=clock)
    await run(after)
    _, answer = await ask(after, "anomalies")
    assert answer["anomalies"] == [
        {
            "component": "node",
            "type": "missing",
            "severity": "4",
            "since": NOW,
            "until": NOW + 15,
            "id": "a1",
            "series": "height",
            "value": 7,
            "expected": 12.5,
            "description": "Height is missing",
            "suggested_actions": ["Read the log", "Check peers"],
        }
    ]
    _, report = await ask(after, f"report?from={NOW - DAY}")
    assert "Height is missing | Read the log; Check peers |" in report
    assert "No anomaly was seen" in (await ask(after, "report"))[1], "the last hour had none"


async def test_an_anomaly_that_goes_on_over_a_restart_is_one(node, collector_history, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    clock = FakeClock(wall_time=NOW)
    await run(node(history=collector_history, clock=clock), INCIDENT)
    clock.advance(60)
    after = node(history=collector_history, clock=clock)
    await run(after, INCIDENT)
    (row,) = (await ask(after, "anomalies"))[1]["anomalies"]
    assert (row["since"], row["until"]) == (NOW, None)


@pytest.mark.parametrize("text", ["", "[]", '{"at": 1}', '{"at": 1, "incidents": [{"component": 5}]}', "\x00"])
async def test_a_damaged_file_costs_no_run(later, monkeypatch, tmp_path, text, caplog):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (later.harness.context.state_dir / "incidents.json").write_text(text)
    await run(later, INCIDENT)
    assert len((await ask(later, "anomalies"))[1]["anomalies"]) == 1
    assert "is damaged" in caplog.text
    assert list(later.harness.context.state_dir.glob("incidents.json.corrupt-*"))


class Broken(History):
    """A history on a disk that fails."""

    is_kept = True

    def query(self, *_, **__):
        raise HistoryUnavailable("permission", "history: the disk has failed", fix="check its disk")


async def test_a_history_that_cannot_be_read_says_so_and_the_present_is_served(node, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = node(history=Broken())
    await run(made, "system_cpu_usage_ratio 0.5\n")
    assert (await ask(made, "current"))[0] == 200
    assert await ask(made, "report") == (503, {"error": "history: the disk has failed", "fix": "check its disk"})


@pytest.mark.parametrize(
    ("length", "step"), [(3600, 15), (DAY, 900), (30 * DAY, 3600), (365 * DAY, DAY), (0, 15), (inf, DAY)]
)
def test_long_periods_are_asked_for_by_long_steps(length, step):
    assert step_of(length, 15) == step


def test_the_steps_are_those_that_the_history_keeps():
    from collector_core.history.options import HistoryOptions

    assert [step * 1000 for step in STEPS[:3]] == HistoryOptions().steps


async def test_measurements_of_the_period_are_in_the_report(node, monkeypatch, tmp_path):
    from collector_core.energy import MeasurementStore

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = node(clock=FakeClock(wall_time=NOW))
    await run(made, "system_cpu_usage_ratio 0.5\n")
    assert "Measurements" not in (await ask(made, "report"))[1]
    store = MeasurementStore(tmp_path / "data/energy-collector/measurements.db")
    for label, started in (("train|all", NOW - 60), ("earlier", NOW - DAY)):
        result = json.dumps({"energy_joules": 88, "duration_seconds": 2, "method": "rapl"})
        with store._database.transaction() as connection:
            connection.execute(
                "INSERT INTO measurements (started_at, label, method, duration_seconds, result) VALUES (?, ?, ?, ?, ?)",
                (started, label, "rapl", 2.0, result),
            )
    store.close()
    _, report = await ask(made, f"report?from={NOW - 3600}&to={NOW + 1}")
    assert "train\\|all | 88 J | rapl | 2 s |" in report
    assert "earlier" not in report
