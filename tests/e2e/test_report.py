"""`energy-collector report` asks the program that runs."""

CONFIG = """
collectors:
  system: {interval: 1s}
  performance: {interval: 1s, options: {node_id: rack-7}}
"""


def test_the_report_of_the_running_collector(collector, command, eventually):
    running = collector(CONFIG)
    eventually(lambda: "| usage_ratio |" in running.request("/api/v1/performance/report").text)
    done = command("report", "--url", f"http://127.0.0.1:{running.port}")
    assert done.returncode == 0
    assert done.stdout.startswith("# Performance of rack-7\n")
    assert "| total_bytes |" in done.stdout


def test_without_a_collector_it_says_so(command, free_port):
    done = command("report", "--url", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "no report from http://127.0.0.1" in done.stderr
    assert "energy-collector run" in done.stderr
    assert "Traceback" not in done.stderr


PAST = """
history: {path: %s, flush: 0s}
collectors:
  system: {interval: 1s}
  estimate: {interval: 1s, options: {tdp_watts: 100}}
  energy: {interval: 1s}
  performance: {interval: 1s, options: {node_id: rack-7}}
"""


def test_after_a_restart_report_page_and_api_show_what_was_before(collector, command, eventually, tmp_path):
    config = PAST % (tmp_path / "history")
    first = collector(config)

    def recorded():
        found = first.request("/api/v1/history/range?selector=energy_power_watts").json["series"]
        return len(found[0]["points"]) > 3 and found[0]["points"] if found else None

    points = eventually(recorded)
    first.stop()
    start, end = points[0][0] - 1, points[-1][0] + 0.001
    second = collector(config)
    snapshots = second.request(f"/api/v1/performance/history?from={start}&to={end}").json["snapshots"]
    watts = [each["energy"]["power_watts"] for each in snapshots if "energy" in each]
    assert watts
    assert all(value > 0 for value in watts)
    url = ("--url", f"http://127.0.0.1:{second.port}")
    done = command("report", *url, "--from", str(start), "--to", str(end))
    assert done.returncode == 0
    for figure in ("power_watts", "usage_ratio", "available_bytes", "sockets"):
        assert f"| {figure}" in done.stdout
    refused = command("report", *url, "--from", "soon")
    assert (refused.returncode, "RFC 3339" in refused.stderr) == (2, True)
    known = {round(time, 3) for time, _ in points}
    eventually(lambda: known & set(second.request("/api/v1/power").json["history"]["timestamps"]))
    assert "Power of yesterday and before" in eventually(
        lambda: (
            second.request("/collectors").text if "Power of yesterday" in second.request("/collectors").text else None
        )
    )
