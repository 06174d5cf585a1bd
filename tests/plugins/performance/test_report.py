"""The REST interface and the report."""

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from collector_core.testing import serve_routes
from collector_plugins.performance.past import Period
from collector_plugins.performance.report import markdown

ANOMALY = 'anomaly_active{component="cpu",type="level",severity="4"} 1\n'
LOAD = "system_cpu_usage_ratio 0.5\n"


def served(node):
    return serve_routes(node.collector.collector_routes())


async def ask(session, path):
    async with session.get(f"/api/v1/performance/{path}") as response:
        text = await response.text()
        return response.status, json.loads(text) if "json" in response.content_type else text


async def in_a_thread(run, *arguments, **options):
    import asyncio

    return await asyncio.to_thread(run, *arguments, **options)


async def test_now_over_time_and_only_what_is_asked_for(node):
    made = node()
    async with served(made) as session:
        assert (await ask(session, "current"))[0] == 503
        for value in (1, 2, 3):
            await in_a_thread(made.run, f"system_cpu_usage_ratio 0.{value}\nsystem_memory_total_bytes 5\n", advance=15)
        assert (await ask(session, "current"))[1]["cpu"] == {"usage_ratio": 0.3}
        snapshots = (await ask(session, "history?section=cpu&limit=2"))[1]["snapshots"]
        assert [each["cpu"]["usage_ratio"] for each in snapshots] == [0.2, 0.3]
        assert set(snapshots[0]) == {"node_id", "timestamp_seconds", "cpu"}
        since = snapshots[1]["timestamp_seconds"]
        assert len((await ask(session, f"history?since={since}"))[1]["snapshots"]) == 1


async def test_the_report_says_how_good_forecasts_were(node):
    made = node()
    record = 'forecast_recent_mase{series="home_load",horizon="48h"} 0.71\n'
    record += 'forecast_recent_coverage_ratio{series="home_load",level="0.8"} 0.82\n'
    await in_a_thread(made.run, record)
    async with served(made) as session:
        report = (await ask(session, "report"))[1]
    _, found = report.split("## Predictions")
    assert "| recent_forecast_error home_load/48h | 0.71 |" in found
    assert "| recent_forecast_coverage_ratio home_load/0.8 | 0.82 |" in found


async def test_a_section_of_a_new_plugin_can_be_asked_for(node):
    made = node()
    await in_a_thread(made.run, LOAD + 'shelly_power_watts{plug="lamps"} 40\n')
    async with served(made) as session:
        status, answer = await ask(session, "history?section=greenhouse")
        assert (status, answer["snapshots"][0]["greenhouse"]) == (200, {"power_watts": {"lamps": 40}})
        assert "\n## Greenhouse\n" in (await ask(session, "report"))[1]


async def test_a_bad_query_names_the_field(node):
    made = node()
    await in_a_thread(made.run, LOAD)
    async with served(made) as session:
        for query, field in (("limit=0", "limit"), ("since=soon", "since"), ("section=tea", "section"), ("a=1", "a")):
            status, answer = await ask(session, f"history?{query}")
            assert (status, answer["field"]) == (400, field)


async def test_anomalies_have_a_beginning_and_an_end(node):
    made = node()
    await in_a_thread(made.run, LOAD)
    await in_a_thread(made.run, LOAD + ANOMALY, advance=15)
    async with served(made) as session:
        [row] = (await ask(session, "anomalies"))[1]["anomalies"]
        assert (row["component"], row["severity"], row["until"]) == ("cpu", "4", None)
        assert "still active | cpu | level | 4" in (await ask(session, "report"))[1]
        await in_a_thread(made.run, LOAD + ANOMALY.replace(" 1\n", " 0\n"), advance=15)
        [row] = (await ask(session, "anomalies"))[1]["anomalies"]
        assert row["until"] - row["since"] == 15


async def test_the_report_has_means_and_extremes(node):
    made = node()
    watts = 'energy_power_watts{component="cpu",method="rapl"} 1500\n'
    for value in (0.2, 0.4, 0.9):
        await in_a_thread(made.run, f"system_cpu_usage_ratio {value}\n{watts}")
    async with served(made) as session:
        _, text = await ask(session, "report")
    assert text.startswith("# Performance of rack-7\n")
    assert "| usage_ratio | 0.9 | 0.5 | 0.2 | 0.9 |" in text
    assert "| component_power_watts cpu/rapl | 1500 | 1500 | 1500 | 1500 |" in text
    assert "No anomaly was seen." in text


texts = st.text(max_size=10)


@given(st.dictionaries(texts, st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3), texts)
def test_every_row_of_a_report_is_one_row(figures, name):
    snapshot = {"node_id": name, "timestamp_seconds": 1.7e9, "cpu": {"by": figures}}
    incident = {"component": name, "type": name, "severity": name, "since": 1.7e9, "until": None}
    incident |= {"description": name, "suggested_actions": (name,)}
    rows = [line for line in markdown(Period([snapshot]), [incident]).split("\n") if line.startswith("|")]
    assert len(rows) == 5 + len(figures)
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows] == [8] * 3 + [6] * (2 + len(figures))


@given(st.text("<>&ab/\"'[]()`*|\\ ", max_size=20))
@example("<script>alert(1)</script>")
@example('<img src=x onerror="x">')
def test_no_text_becomes_html_or_a_link(text):
    snapshot = {"node_id": text, "timestamp_seconds": 1.7e9, "cpu": {"by": {text: 1.0}}}
    incident = {"component": text, "type": text, "severity": text, "since": 1.7e9, "until": None}
    report = markdown(Period([snapshot]), [incident | {"description": text, "suggested_actions": (text,)}])
    assert "<" not in report
    assert ">" not in report
    assert not re.search(r"(?<!\\)(?:\\\\)*\[", report)


INCIDENT = (
    'anomaly_active{component="node",type="missing",severity="3"} 1\n'
    'anomaly_incident_info{id="a1",component="node",type="missing",severity="3",series="height{node=\\"a\\"}",value="",'
    'expected="12.5",description="Height (node=a) is missing | for 5 minutes",actions="Read the log; Check peers"} 1\n'
)


async def test_an_anomaly_comes_with_its_sentence_its_numbers_and_what_to_do(node):
    made = node()
    await in_a_thread(made.run, LOAD + INCIDENT)
    await in_a_thread(made.run, LOAD + INCIDENT.replace('severity="3"', 'severity="4"'), advance=15)
    async with served(made) as session:
        [row] = (await ask(session, "anomalies"))[1]["anomalies"]
        _, report = await ask(session, "report")
    assert row == {
        "id": "a1",
        "component": "node",
        "type": "missing",
        "severity": "4",
        "since": row["since"],
        "until": None,
        "series": 'height{node="a"}',
        "value": None,
        "expected": 12.5,
        "description": "Height (node=a) is missing | for 5 minutes",
        "suggested_actions": ["Read the log", "Check peers"],
    }
    assert "Height (node=a) is missing \\| for 5 minutes | Read the log; Check peers |" in report


async def test_figures_that_nobody_designed_are_in_the_section_of_their_thing(node):
    made = node()
    shown = (
        'blockchain_consensus_participation_ratio{node="a"} 0.97\n'
        'blockchain_contract_executions_per_second{node="a"} 3\n'
        'inference_layer_latency_seconds{model="m",layer="attention"} 0.01\n'
        'system_sockets{kind="tcp",state="listen"} 7\n'
        'system_disk_reads_total{device="sda"} %d\n'
    )
    await in_a_thread(made.run, shown % 100)
    await in_a_thread(made.run, shown % 400, advance=15)
    async with served(made) as session:
        now = (await ask(session, "current"))[1]
        _, report = await ask(session, "report")
    assert now["node"] == {"participation_ratio": {"a": 0.97}, "contract_rate": {"a": 3}}
    assert now["inference"] == {"layer_latency_seconds": {"m/attention": 0.01}}
    assert now["network"] == {"sockets": {"tcp/listen": 7}}
    assert now["disk"] == {"read_operations_per_second": {"sda": 20}}
    assert "| participation_ratio a | 0.97 |" in report
