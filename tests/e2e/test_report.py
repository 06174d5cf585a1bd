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
