"""The real program learns a machine whose load the test sets; a load that stands out is told in words."""

import random
import threading
import time
from contextlib import contextmanager

import pytest

TICKS = 20  # of the kernel's clock, in each step of the machine
STEP_SECONDS = 0.02
USUAL_LOAD, NOISE = 0.1, 0.02
PAST_SECONDS = 600
# A pause of three rows is a gap, after which nothing is judged for ten minutes: rows are longer than a busy machine's.
CONFIG = """
    history: {{path: {folder}/history}}
    collectors:
      system: {{interval: 100ms}}
      anomaly:
        interval: 100ms
        options: {{row: {row}, warm_up_days: 0, level: 2, history_days: 0, state_dir: "{folder}", series: [{series}]}}
"""


class Machine:
    """A folder with a /proc whose only CPU is as busy as `load` says, a ratio with some noise."""

    def __init__(self, root):
        self.load = USUAL_LOAD
        self._file = root / "proc/stat"
        self._file.parent.mkdir(parents=True)
        self._busy = self._idle = 0
        self._random = random.Random(20)
        self._step()

    @contextmanager
    def running(self):
        """Time goes on in it."""
        ended = threading.Event()

        def run():
            while not ended.wait(STEP_SECONDS):
                self._step()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _step(self):
        busy = min(TICKS, max(0, round(TICKS * self.load + self._random.gauss(0, 1))))
        self._busy, self._idle = self._busy + busy, self._idle + TICKS - busy
        ticks = f"{self._busy} 0 0 {self._idle} 0 0 0 0 0 0"
        new = self._file.with_suffix(".new")
        new.write_text(f"cpu  {ticks}\ncpu0 {ticks}\nbtime 1700000000\n")
        new.replace(self._file)


def past_of(series, seed=20):
    """Readings of the last minutes, one a second, as `history import` takes them."""
    chance, now = random.Random(seed), int(time.time())
    readings = (f"{now - ago},{series},{chance.gauss(USUAL_LOAD, NOISE):.4f}\n" for ago in range(PAST_SECONDS, 0, -1))
    return "time,series,value\n" + "".join(readings)


def anomalies(program, **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return program.request(f"/api/v1/anomalies?{query}").json["anomalies"]


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.5)
    return None


def test_it_serves_what_it_watches_and_saves_at_the_end(collector, tmp_path):
    series = "system_cpu_usage_ratio, system_memory_used_bytes"
    program = collector(CONFIG.format(folder=tmp_path, row="100ms", series=series))
    assert wait_for(lambda: program.samples().get("anomaly_watched_series") == 2, 30)
    assert anomalies(program) == []
    wrong = program.request("/api/v1/anomalies?severity=9")
    assert (wrong.status, wrong.json["field"]) == (400, "severity")
    named = 'anomaly_predicted_value{component="cpu",series="system_cpu_usage_ratio"}'
    assert wait_for(lambda: named in program.samples(), 30)
    assert program.stop() == 0
    assert (tmp_path / "state.jsonl").read_text().count('"series"') == 2


@pytest.mark.slow
def test_a_load_is_told_in_words(collector, command, tmp_path):
    (tmp_path / "past.csv").write_text(past_of("system_cpu_usage_ratio"))
    assert command("history", "import", tmp_path / "past.csv", "--path", tmp_path / "history").returncode == 0
    machine = Machine(tmp_path / "root")
    with machine.running():
        config = CONFIG.format(folder=tmp_path, row="1s", series="system_cpu_usage_ratio")
        program = collector(config, "--root", tmp_path / "root")

        def learnt():
            samples = program.samples()
            return samples.get("anomaly_warming_up_series") == 0 and samples.get("anomaly_watched_series")

        assert wait_for(learnt, 120), program.log
        before = {each["id"] for each in anomalies(program)}
        machine.load = 0.95
        found = wait_for(lambda: [a for a in anomalies(program, component="cpu") if a["id"] not in before], 60)
    assert found, program.log
    assert "rows of the past from the history" in program.log
    assert found[0]["description"].startswith("CPU use of this machine is ")
    assert ", expected " in found[0]["description"]
    assert found[0]["value"] > found[0]["expected"]
