"""All bad plugins at once: the good ones stay whole and fresh, and every scrape is answered."""

import http.client
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("example")
FOLDER = Path(__file__).parents[1] / "bad_plugins"
BAD = sorted(
    {
        line.partition(" ")[0]
        for file in FOLDER.glob("*.dist-info/entry_points.txt")
        for line in file.read_text().splitlines()
        if " = " in line
    }
)
BUSY = "bad_busy"
GOOD = ("system", "plug")
RUNS = 15  # of each good collector, in which all bad ones are beside them
RUNS_WHILE_BUSY = 5
LONGEST = 120.0  # seconds; only a machine that is overwhelmed needs more than a few


@dataclass
class Watched:
    """A running program, scraped on one connection; what the last scrape said of the good collectors."""

    port: int
    samples: dict[str, float] = field(default_factory=dict)

    def __post_init__(self):
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def close(self):
        self._connection.close()

    def scrape(self):
        self._connection.request("GET", "/metrics")
        answer = self._connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200
        lines = [line.rpartition(" ") for line in text.splitlines() if line[0] != "#"]
        self.samples = {name: float(value) for name, _, value in lines}

    def of(self, name, plugin, **labels):
        pairs = {"collector": plugin, "plugin": plugin, **labels}
        return self.samples[name + "{" + ",".join(f'{key}="{value}"' for key, value in pairs.items()) + "}"]

    @property
    def fewest_runs(self):
        return min(self.of("collector_runs_total", plugin, result="ok") for plugin in GOOD)

    @property
    def families(self):
        return {name.partition("{")[0] for name in self.samples if name.startswith(("system_", "plug_"))}

    def scrape_until(self, runs, check=lambda: None):
        """Scrape until every good collector had so many good runs."""
        deadline = time.monotonic() + LONGEST
        self.scrape()
        while self.fewest_runs < runs:
            assert time.monotonic() < deadline, f"{self.fewest_runs} runs of {runs}"
            check()
            time.sleep(0.05)
            self.scrape()


@pytest.fixture
def watched(collector, plug_server, example_python):
    """Starts the program with the good collectors and `bad` ones, and waits until rates are there."""
    started = []

    def start(bad=()):
        plugs = {"plugs": {"heater": plug_server().url}}
        good = {"system": {"interval": "500ms"}, "plug": {"interval": "500ms", "options": plugs}}
        config = {"collectors": good | {name: {} for name in bad}}
        program = collector(json.dumps(config), env={"PYTHONPATH": str(FOLDER)}, prefix=(example_python,))
        started.append(Watched(program.port))
        started[-1].scrape_until(2)
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_all_bad_plugins_at_once_harm_no_good_one(watched):
    """Every scrape shows all of the good ones, and every run of theirs is good; `bench isolation` judges latencies."""
    beside = watched([name for name in BAD if name != BUSY])
    complete = beside.families

    def check():
        assert beside.families == complete
        for plugin in GOOD:
            assert beside.of("collector_up", plugin) == 1

    beside.scrape_until(beside.fewest_runs + RUNS, check)
    failed = [
        name for name in beside.samples if re.match(r'collector_runs_total.*"(plug|system)".*"(error|timeout)"', name)
    ]
    assert [name for name in failed if beside.samples[name]] == []


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_plugin_that_never_lets_go_of_the_interpreter_slows_but_stops_nobody(watched):
    beside = watched([BUSY])
    beside.scrape_until(beside.fewest_runs + RUNS_WHILE_BUSY)


TURNS = """
import sys
from collector_core import Collector, Gauge, Unit, hookimpl

TURN = Gauge("turns_seconds", "How long a thread keeps the interpreter.", Unit.SECONDS)


class Turns(Collector):
    name, metrics = "turns", (TURN,)

    def collect(self, out):
        out.add(TURN, sys.getswitchinterval())


@hookimpl
def collector_types():
    return [Turns]
"""


def test_a_scrape_waits_a_millisecond_for_each_turn_of_a_busy_thread(collector, plugin_path, eventually):
    program = collector("collectors: {turns: {}}", env=plugin_path(turns=TURNS))
    eventually(lambda: "\nturns_seconds 0.001" in program.request("/metrics").text)
