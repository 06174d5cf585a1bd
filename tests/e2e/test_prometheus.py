"""Debian's Prometheus scrapes us for a while and finds nothing to complain of."""

import subprocess


def test_prometheus_scrapes_us(collector, prometheus, require, eventually):
    program = collector("collectors: {system: {interval: 1s}}")
    get = prometheus(program.port)

    def value(query):
        found = (get("/api/v1/query", query=query) or {"result": []})["result"]
        return float(found[0]["value"][1]) if found else None

    eventually(lambda: value("count_over_time(up[1m]) >= 8"))
    assert value("min_over_time(up[1m])") == 1
    assert value("scrape_samples_scraped") == len(program.samples())
    assert value("system_memory_total_bytes") == program.samples()["system_memory_total_bytes"]
    assert value("rate(system_cpu_seconds_total{cpu='0',mode='idle'}[10s])") >= 0
    assert value("collector_up{collector='system'}") == 1
    assert value("changes(collector_runs_total{result='ok'}[20s])") >= 3
    (target,) = get("/api/v1/targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    units = get("/api/v1/targets/metadata", metric="system_memory_total_bytes")
    assert [(entry["type"], entry["unit"]) for entry in units] == [("gauge", "bytes")]  # only OpenMetrics has units


def test_promtool_has_nothing_to_say(collector, require):
    promtool = require("promtool")
    text = collector().request("/metrics").body
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
