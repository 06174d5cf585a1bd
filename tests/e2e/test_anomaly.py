"""The real program learns a real machine; a real load is told in words."""

import os
import subprocess
import sys
import time

import pytest

LEARN_SECONDS = 120
LOAD_SECONDS = 45
QUIET = 0.5  # of all cores; a machine that is busier than that anyway has no room for a load that stands out
BUSY = "import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: sum(range(10_000))"
CONFIG = """
    collectors:
      system: {{interval: 250ms}}
      anomaly:
        interval: 250ms
        options: {{row: 250ms, warm_up_days: 0, level: 2, history_days: 0, state_dir: {folder}, series: [{series}]}}
"""


def started(collector, tmp_path, series):
    return collector(CONFIG.format(folder=tmp_path / "state", series=series))


def anomalies(program, **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return program.request(f"/api/v1/anomalies?{query}").json["anomalies"]


def new(found, before):
    return [each for each in found if each["id"] not in before]


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.5)
    return None


def test_it_serves_what_it_watches_and_saves_at_the_end(collector, tmp_path):
    program = started(collector, tmp_path, "system_cpu_usage_ratio, system_memory_used_bytes")
    assert wait_for(lambda: program.samples().get("anomaly_watched_series") == 2, 30)
    assert anomalies(program) == []
    wrong = program.request("/api/v1/anomalies?severity=9")
    assert (wrong.status, wrong.json["field"]) == (400, "severity")
    named = 'anomaly_predicted_value{component="cpu",series="system_cpu_usage_ratio"}'
    assert wait_for(lambda: named in program.samples(), 30)
    assert program.stop() == 0
    assert (tmp_path / "state/state.jsonl").read_text().count('"series"') == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_load_on_this_machine_is_told_in_words(collector, tmp_path):
    program = started(collector, tmp_path, "system_cpu_usage_ratio")
    use = []

    def learnt():
        samples = program.samples()
        use.append(samples.get("system_cpu_usage_ratio", 0.0))
        return samples.get("anomaly_warming_up_series") == 0 and samples.get("anomaly_watched_series")

    assert wait_for(learnt, LEARN_SECONDS), program.log
    if sum(use) / len(use) > QUIET or max(use) > 0.9:
        pytest.skip("this machine is too busy for a load to stand out")
    before = {each["id"] for each in anomalies(program)}
    command = [sys.executable, "-c", BUSY.format(seconds=LOAD_SECONDS)]
    busy = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        found = wait_for(
            lambda: [a for a in anomalies(program, component="cpu") if a["id"] not in before], LOAD_SECONDS
        )
    finally:
        for child in busy:
            child.kill()
            child.wait()
    assert found, program.log
    assert found[0]["description"].startswith("CPU use of this machine is ")
    assert ", expected " in found[0]["description"]
    assert found[0]["value"] > found[0]["expected"]
