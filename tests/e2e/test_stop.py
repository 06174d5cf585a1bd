"""Whatever hangs or floods, `/metrics` answers and a signal ends the program."""

import os
import signal
import subprocess

import pytest

FLOOD = """
    import threading
    from collector_core import Collector, Gauge, hookimpl

    def flood():
        import logging
        for number in range(10_000_000):
            logging.getLogger(f"flood{number % 1000}").error("x" * 500)

    class Loud(Collector):
        '''Logs without end.'''
        name, metrics, default_interval = "loud", (Gauge("loud_on", "On.", labels=()),), 1.0

        def open(self):
            threading.Thread(target=flood, daemon=True).start()

        def collect(self, out):
            out.add(self.metrics[0], 1)

    @hookimpl
    def collector_types():
        return [Loud]
"""


@pytest.fixture
def unread(free_port, plugin_path, tmp_path):
    """The program with a reader of stderr that has stopped reading."""
    from tests.e2e.conftest import COMMAND, Collector

    (tmp_path / "config.yaml").write_text("collectors: {loud: {}, system: {}}")
    port = free_port()
    command = [COMMAND, "run", "--listen", f"127.0.0.1:{port}", "--config", str(tmp_path / "config.yaml")]
    environment = os.environ | plugin_path(loud=FLOOD)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    yield Collector.__new__(Collector), process, port
    process.kill()
    process.wait()
    process.stderr.close()


def test_a_reader_of_stderr_that_stalls_costs_no_scrape_and_no_end(unread, eventually):
    program, process, port = unread
    program.port = port
    up = 'collector_up{collector="loud",plugin="loud"}'
    runs = 'collector_runs_total{collector="loud",plugin="loud",result="ok"}'

    def goes_on():
        try:
            samples = program.samples()
        except OSError:
            return False
        return samples.get(up) == 1 and samples[runs] >= 3

    eventually(goes_on, 60)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_pages_that_were_looked_at_leave_no_thread_behind(collector):
    program = collector("collectors: {system: {}}")
    assert [program.request(path).status for path in ("/", "/history")] == [200, 200]
    assert program.stop() == 0
    assert "have not ended" not in program.log


def test_400_hang_ups_are_a_few_reloads(collector):
    program = collector("collectors: {system: {interval: 200ms}}")
    for _ in range(400):
        program.signal(signal.SIGHUP)
        assert program.process.poll() is None
    assert program.request("/metrics").status == 200
    assert program.request("/-/reload", method="POST", timeout=60).status == 200
    assert program.stop() == 0


HANGS = """
    import threading
    threading.Event().wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_start_that_hangs(collector, plugin_path, eventually, number):
    program = collector("collectors: {hung: {}, system: {}}", ready=False, env=plugin_path(hung=HANGS))
    eventually(lambda: "listening on" in program.log, 60)
    program.signal(number)
    assert program.process.wait(60) == 0


def test_commands_go_on_without_a_plugin_that_hangs(command, plugin_path, tmp_path):
    environment = plugin_path(hung=HANGS)
    (tmp_path / "config.yaml").write_text("collectors: {hung: {}, system: {}}")
    done = command("once", "--gap", "0.1", "--config", tmp_path / "config.yaml", env=environment, timeout=120)
    assert done.returncode == 1
    assert "system_memory_total_bytes" in done.stdout
    assert "plugin hung: its import has not returned after" in done.stderr
