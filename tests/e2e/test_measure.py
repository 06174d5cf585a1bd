"""`energy-collector measure` and `measurements`, on a machine whose only meter is a plugin's."""

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import COMMAND
from tests.powercap import PowercapTree

METER = """
from collector_core import Collector, Component, EnergyMeter, EnergyMethod, EnergyReading, hookimpl

class Guess(Collector):
    '''20 W, all the time.'''
    name, metrics = "guess", ()

    @classmethod
    def detect(cls, ctx):
        return None

    def collect(self, out):
        pass

    @hookimpl
    def collector_energy_meters(self):
        return [EnergyMeter(Component.CPU, "cpu", EnergyMethod.MODEL, 0.3, 0.0, self.read, self.read)]

    def read(self):
        now = self.ctx.clock.monotonic()
        return EnergyReading(20 * now, now)

@hookimpl
def collector_types():
    return [Guess]
"""
BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


@pytest.fixture
def environment(plugin_path, tmp_path):
    """With a configuration in which that meter is the only one."""
    config = tmp_path / "only-guess.yaml"
    config.write_text("collectors: {guess: {}}")
    found = {"XDG_DATA_HOME": str(tmp_path / "data"), "ENERGY_COLLECTOR_CONFIG": str(config)}
    return plugin_path(guess=METER) | found


@pytest.fixture
def measure(command, environment):
    return lambda *arguments: command("measure", "--level", "estimate", *arguments, env=environment)


@pytest.fixture
def measurements(command, environment):
    return lambda *arguments: command("measurements", *arguments, env=environment)


def test_a_command_is_measured_and_its_output_stays_as_it_is(measure):
    done = measure("--", sys.executable, "-c", "import time; time.sleep(0.3); print('result')")
    assert (done.returncode, done.stdout) == (0, "result\n")
    assert re.search(r"^energy +≈ [\d.]+ J$", done.stderr, re.MULTILINE)
    assert re.search(r"^mean power +20\.0 W$", done.stderr, re.MULTILINE)
    assert "an estimate by model, ± 30 %" in done.stderr
    assert "\x1b" not in done.stderr, "no live line where there is no terminal"


def test_without_any_counter_there_is_an_estimate(command, tmp_path):
    (tmp_path / "data").write_bytes(bytes(50_000_000))
    options = ("--level", "estimate", "--json", "--no-save")
    found = json.loads(command("measure", *options, "--", "sha256sum", tmp_path / "data").stdout.splitlines()[-1])
    assert (found["method"], found["estimated"]) == ("model", True)
    assert found["energy_joules"] > 0
    assert found["uncertainty_ratio"] > 0


@pytest.mark.own_interpreter  # whose time the kernel adds to that of this process
def test_the_whole_process_tree_counts(measure):
    before = sum(os.times()[2:4])  # of children that were waited for
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}]); data = bytearray(80_000_000)"
    done = measure(
        "--json", "--", "sh", "-c", f'"{sys.executable}" -c "$1"; true', "sh", inner + "; import time; time.sleep(0.3)"
    )
    found = json.loads(done.stdout)
    assert 0.3 <= found["cpu_seconds"] <= sum(os.times()[2:4]) - before
    assert found["memory_bytes"] > 80_000_000
    assert (found["estimated"], found["method"], found["exit_code"]) == (True, "model", 0)
    assert found["energy_joules"] == pytest.approx(20 * found["duration_seconds"], rel=0.01)
    assert 0 < found["attributed_energy_joules"] <= found["energy_joules"]


def test_a_process_that_outlives_its_parent_is_measured_as_long_as_the_command_runs(measure, tmp_path):
    burnt = tmp_path / "burnt"
    orphan = f"""{sys.executable} -c '{BURN}open("{burnt}", "w").close(); time.sleep(3)' & """
    wait = 'sh -c "$1"; until [ -e "$2" ]; do sleep 0.1; done'
    done = measure("--json", "--", "sh", "-c", wait, "sh", orphan, burnt)
    assert json.loads(done.stdout)["cpu_seconds"] >= 0.3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("sh", "-c", "exit 7"), 7),
        (("sh", "-c", "kill -9 $$"), 137),
        (("sh", "-c", "kill -TERM $$"), 143),
    ],
)
def test_the_exit_code_is_the_commands(measure, measurements, words, code):
    done = measure("--", *words)
    assert done.returncode == code
    assert ("killed by signal" if code > 128 else "exit code 7") in done.stderr
    assert json.loads(measurements("export", "--format", "json").stdout)[0]["exit_code"] == code


@pytest.mark.parametrize("options", [(), ("--compare", "true")])
def test_a_command_that_does_not_exist_is_127_and_nothing_is_kept(measure, measurements, options):
    done = measure(*options, "--", "no-such-command-anywhere")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "energy-collector: no-such-command-anywhere: command not found\n"
    assert json.loads(measurements("export", "--format", "json").stdout) == []


def test_a_file_that_is_no_program_is_126(measure, tmp_path):
    (tmp_path / "notes.txt").write_text("not a program")
    done = measure("--", tmp_path / "notes.txt")
    assert done.returncode == 126
    assert "is not executable" in done.stderr
    (tmp_path / "notes.txt").chmod(0o755)
    assert measure("--", tmp_path / "notes.txt").returncode == 126


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_are_the_commands(environment, number):
    script = "import signal, time\nsignal.signal({0}, lambda *_: exit(9))\nprint('ready', flush=True)\ntime.sleep(30)"
    words = ["measure", "--level", "estimate", "--", sys.executable, "-c", script.format(int(number))]
    with subprocess.Popen(
        [COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        process.communicate(timeout=20)
    assert process.returncode == 9


def test_a_line_on_the_terminal_changes_while_the_command_runs(environment):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(COMMAND, [COMMAND, "measure", "--level", "estimate", "--", "sleep", "1"], os.environ | environment)
    text = b""
    while True:
        try:
            text += os.read(terminal, 4096)
        except OSError:
            break
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    live = re.findall(rb"\r\x1b\[2K([^\r\n]*J  20\.0 W  CPU [^\r\n]*)", text)
    assert len(live) >= 2
    assert re.search(rb"\r\x1b\[2K\s*sleep 1 +exit code 0\r\n", text), "and nothing of it is left"


def test_a_repeated_command_has_a_mean_a_deviation_and_a_confidence_interval(measure):
    words = ("--", sys.executable, "-c", BURN)
    done = measure("--repeat", "3", "--label", "burn", *words)
    assert re.search(r"^burn, 3 runs +mean +± \(95 %\) +deviation +from – to$", done.stderr, re.MULTILINE)
    found = json.loads(measure("--repeat", "3", "--json", *words).stdout)
    assert len(found["runs"]) == 3
    statistics = found["statistics"]["cpu_seconds"]
    low, high = statistics["confidence_interval"]
    assert low < statistics["mean"] < high
    assert statistics["count"] == 3
    assert statistics["minimum"] == min(run["cpu_seconds"] for run in found["runs"])


def test_repetition_ends_with_the_first_run_that_fails(measure, measurements, tmp_path):
    once, twice = tmp_path / "once", tmp_path / "twice"
    script = f"test ! -e {twice} || exit 3; test ! -e {once} || touch {twice}; touch {once}"
    assert measure("--repeat", "9", "--", "sh", "-c", script).returncode == 3
    assert len(json.loads(measurements("export", "--format", "json").stdout)) == 3


def test_two_commands_run_in_turn_and_stand_side_by_side(measure, tmp_path):
    log = tmp_path / "log"
    done = measure(
        "--repeat",
        "3",
        "--compare",
        f"sh -c 'echo A >> {log}; sleep 0.3'",
        "--",
        "sh",
        "-c",
        f"echo B >> {log}; sleep 0.05",
    )
    assert log.read_text().split() == ["A", "B"] * 3
    assert "B / A" in done.stderr
    assert re.search(r"^energy +[\d.]+ J ± [\d.]+ % +[\d.]+ J ± [\d.]+ % +0\.\d\d$", done.stderr, re.MULTILINE)
    assert "B takes less energy" in done.stderr
    found = json.loads(measure("--json", "--compare", "true", "--", "false").stdout)["compared"]
    assert [each["command"] for each in found] == [["true"], ["false"]]


def test_a_level_that_cannot_be_had_says_why_and_the_command_is_not_run(command, environment, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "both.yaml").write_text("collectors: {rapl: {}, guess: {}}")
    environment = environment | {"ENERGY_COLLECTOR_CONFIG": str(tmp_path / "both.yaml")}
    done = command(
        "measure", "--level", "hardware", "--root", tmp_path / "empty", "--", "touch", tmp_path / "ran", env=environment
    )
    assert done.returncode == 1
    assert "no energy can be measured at level hardware: " in done.stderr
    assert re.search(r"rapl: /\S+ does not exist: .* \(.+\)", done.stderr), "what is in the way, and what helps"
    assert "fix: use level estimate" in done.stderr
    assert not (tmp_path / "ran").exists()
    done = command("measure", "--level", "hardwear", "--", "true", env=environment)
    assert (done.returncode, "'hardwear' is not one of" in done.stderr) == (2, True)
    assert command("measure", env=environment).returncode == 2
    assert command("measure", "--compare", "'", "--", "true", env=environment).returncode == 2


def test_counters_of_the_processors_are_measured_where_there_are_some(command, environment, tmp_path):
    tree = PowercapTree(tmp_path / "root")
    tree.add("intel-rapl:0", "package-0", 100.0)
    tree.add("intel-rapl:0:0", "dram", 10.0)
    stopped = threading.Event()

    def drive():
        before = time.monotonic()
        while not stopped.wait(0.002):
            now = time.monotonic()
            tree.advance(now - before)
            before = now

    thread = threading.Thread(target=drive)
    thread.start()
    (tmp_path / "both.yaml").write_text("collectors: {rapl: {}, guess: {}}")
    options = ("--json", "--root", tree.root, "--config", tmp_path / "both.yaml")
    done = command("measure", *options, "--", "sleep", "1", env=environment)
    stopped.set()
    thread.join()
    found = json.loads(done.stdout)
    assert (found["method"], found["estimated"], found["problems"]) == ("rapl", False, [])
    assert found["energy_joules"] == pytest.approx(110 * found["duration_seconds"], rel=0.1)
    assert found["components"]["cpu"] == pytest.approx(10 * found["components"]["dram"], rel=0.1)
    idle_joules = found.get("idle_joules", found["energy_joules"])  # absent where a busy machine held `drive` back
    assert idle_joules == pytest.approx(found["energy_joules"], rel=0.25)
    assert [(each["method"], each["component"]) for each in found["disagreements"]] == [("model", "cpu")]


def test_a_database_that_cannot_be_used_is_named_and_the_command_is_not_run(measure, measurements, tmp_path):
    (tmp_path / "file").write_text("")
    done = measure("--db", tmp_path / "file/x.db", "--", "touch", tmp_path / "ran")
    assert done.returncode == 2
    assert "measurements cannot be kept" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert measurements("list", "--db", tmp_path / "file/x.db").returncode == 2
    assert measure("--no-save", "--db", tmp_path / "file/x.db", "--", "true").returncode == 0


def test_a_broken_database_is_set_aside_and_said(measure, measurements, tmp_path):
    file = tmp_path / "data/energy-collector/measurements.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database at all " * 99)
    done = measure("--", "true")
    assert done.returncode == 0
    assert re.search(rf"{file} was corrupt; it was renamed to {file}\.corrupt-\d+T\d+Z", done.stderr)
    assert len(json.loads(measurements("export", "--format", "json").stdout)) == 1


@pytest.fixture
def kept(measure):
    for seconds in ("0.1", "0.2"):
        measure("--label", "nap", "--", "sleep", seconds)
    measure("--label", "a|b", "--", "true")


def test_measurements_are_listed_and_summed_up_by_label(kept, measurements):
    assert re.findall(r"  (nap|a\|b)$", measurements("list").stdout, re.MULTILINE) == ["nap", "nap", "a|b"]
    assert len(measurements("list", "--last", "1").stdout.splitlines()) == 2
    done = measurements("stats", "--json", "--label", "nap")
    found = {row["figure"]: row for row in json.loads(done.stdout)}
    energy = found["energy_joules"]
    assert energy["count"] == 2
    assert 1.9 < energy["minimum"] < energy["mean"] < energy["maximum"]
    assert energy["deviation"] == pytest.approx((energy["maximum"] - energy["minimum"]) / 2**0.5)
    assert re.search(r"^nap +energy_joules +2 +", measurements("stats").stdout, re.MULTILINE)


def test_measurements_are_exported(kept, measurements):
    rows = list(csv.DictReader(io.StringIO(measurements("export").stdout)))
    assert [row["label"] for row in rows] == ["nap", "nap", "a|b"]
    assert float(rows[0]["energy_joules"]) == float(rows[0]["cpu_joules"])
    data = json.loads(measurements("export", "--format", "json", "--label", "nap").stdout)
    assert [each["command"] for each in data] == ["sleep 0.1", "sleep 0.2"]


def test_a_report_has_totals_averages_methods_and_suggestions(kept, measurements, tmp_path):
    text = measurements("report").stdout
    report = json.loads(measurements("report", "--json").stdout)
    assert {each["label"]: each["quoted"] for each in report["operations"]} == {"nap": True, "a|b": True}
    assert report["operations"][0]["metrics"]["duration_seconds"]["count"] == 2
    copied = measurements("merge", tmp_path / "no-such.db")
    assert (copied.returncode, "no-such.db cannot be read as measurements" in copied.stderr) == (1, True)
    assert text.startswith("# Energy report\n\n3 measurements from ")
    assert re.search(r"^\| `nap` \| 2 \| [\d.]+ J \|", text, re.MULTILINE)
    assert "| `a\\|b` | 1 |" in text
    assert "- model: 3 measurements, an estimate, uncertain by ± 30 %" in text
    assert "`nap`: it used " in text


def test_before_anything_was_measured_that_is_said(measurements):
    assert "There are no measurements yet" in measurements("report").stdout
    assert measurements("list").returncode == 0
    assert measurements("export").stdout.startswith("id,started_at,label")


def test_every_command_of_measurements_explains_itself(measurements, measure):
    for name in ("list", "stats", "export", "report"):
        done = measurements(name, "--help")
        assert done.returncode == 0
        for option in ("--config", "--root", "--log-level", "--log-format", "--db", "--label"):
            assert option in done.stdout
    assert "--compare" in measure("--help").stdout


def test_what_a_server_did_for_a_command_is_told_apart(measure, measurements, environment):
    name = Path(environment["ENERGY_COLLECTOR_CONFIG"])
    name.write_text("collectors: {guess: {}, energy: {options: {price_per_kwh: 0.3, carbon_intensity: 400}}}")
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as server:
        also = ("--also", str(server.pid), "--also", str(server.pid))
        found = json.loads(measure("--json", *also, "--", "sleep", "0.5").stdout)
        table = measure(*also, "--", "sleep", "0.3").stderr
        server.kill()
    (other,) = found["others"]
    assert (other["name"], other["cpu_seconds"] > found["cpu_seconds"]) == (str(server.pid), True)
    together = found["attributed_energy_joules"] + other["attributed_energy_joules"]
    assert found["attributed_with_others_joules"] == pytest.approx(together)
    assert found["emissions_grams"] == pytest.approx(found["energy_joules"] / 3.6e6 * 400)
    assert (found["cost"], found["currency"]) == (pytest.approx(found["energy_joules"] / 3.6e6 * 0.3), "EUR")
    for row in ("  with the others", "emissions, CO2 equivalent", "cost", f"{server.pid}, CPU time"):
        assert re.search(rf"^{row} +[\d.]+ ", table, re.MULTILINE), row
    rows = list(csv.DictReader(io.StringIO(measurements("export").stdout)))
    assert float(rows[0][f"{server.pid}_cpu_seconds"]) == other["cpu_seconds"]
    assert rows[0]["currency"] == "EUR"
    assert "| cost, mean |" in measurements("report").stdout


def test_another_that_is_not_there_is_2_and_nothing_is_run(measure, tmp_path):
    done = measure("--also", "no-such.service", "--", "touch", tmp_path / "ran")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "energy-collector: --also: there is no process, unit or container 'no-such.service'\n"
    assert not (tmp_path / "ran").exists()
