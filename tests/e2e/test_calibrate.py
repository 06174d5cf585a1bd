"""`energy-collector calibrate`, with real load, on a host whose true power is known."""

import contextlib
import json
import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from collector_core.calibration.load import Load
from collector_plugins.estimate.config import Config as EstimateConfig
from collector_plugins.qemu.config import Config

IDLE_WATTS, WATTS_PER_CORE = 20.0, 15.0
TICKS = os.sysconf("SC_CLK_TCK")
COMMAND = str(Path(sys.executable).with_name("energy-collector"))
FAST = ("--steps", "2", "--seconds", "3", "--settle", "0.5", "--log-level", "error")
# A host that is moved 0.5 s late within 3 s, beside other tests, shows a sixth less or more of the power it has; single
# readings, of which R² is made, may be off by half, so that tests with given readings judge that.
LATE = {"rel": 0.25, "abs": 5}


class Host:
    """A host whose CPUs are busy with the load that this test started and nothing else, and whose counter follows it.

    Each burning process counts as one busy CPU, however little of the real ones it gets beside other tests.
    """

    def __init__(self, root):
        self.root = root
        (root / "proc").mkdir(parents=True)
        for name in ("cpuinfo", "meminfo"):
            (root / "proc" / name).symlink_to(f"/proc/{name}")
        self.counter = root / "sys/class/powercap/intel-rapl:0/energy_uj"
        self.counter.parent.mkdir(parents=True)
        (self.counter.parent / "name").write_text("package-0\n")
        (self.counter.parent / "max_energy_range_uj").write_text("262143328850\n")
        self.busy = [0.0] * os.cpu_count()
        self.seconds = 0.0
        self.write()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.move)

    def move(self):
        then = time.monotonic()
        while not self.stopped.wait(0.02):
            burning, now = self.burning(), time.monotonic()
            self.seconds += now - then
            for cpu in range(min(burning, len(self.busy))):
                self.busy[cpu] += now - then
            then = now
            self.write()

    @staticmethod
    def burning():
        count = 0
        for pid in descendants(os.getpid()):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                count += b"while os.getppid() ==" in Path(f"/proc/{pid}/cmdline").read_bytes()
        return count

    def write(self):
        rows = {f"cpu{number}": busy for number, busy in enumerate(self.busy)}
        lines = [self.line("cpu ", sum(self.busy), self.seconds * len(self.busy))]
        lines += [self.line(name, busy, self.seconds) for name, busy in rows.items()]
        replace(self.root / "proc/stat", "".join(lines))
        joules = IDLE_WATTS * self.seconds + WATTS_PER_CORE * sum(self.busy)
        replace(self.counter, f"{int(joules * 1e6)}\n")

    @staticmethod
    def line(name, busy, total):
        return f"{name} {round(busy * TICKS)} 0 0 {round((total - busy) * TICKS)} 0 0 0 0 0 0\n"


def descendants(pid):
    """The processes below one, by the kernel's own list: reading all processes takes longer than a host's step."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                yield child
                yield from descendants(child)


def replace(file, text):
    new = file.with_name(f"{file.name}.new")
    new.write_text(text)
    new.replace(file)


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path / "root")
    host.thread.start()
    yield host
    host.stopped.set()
    host.thread.join(5)


def test_the_fit_is_the_hosts_true_power(host, command, tmp_path):
    model = tmp_path / "model.json"
    done = command("calibrate", "qemu", "--root", host.root, "--output", model, "--ratio", *FAST)
    assert done.returncode == 0, done.stderr
    written = json.loads(model.read_text())
    assert f"R² = {written['r_squared']:.4f}" in done.stdout
    assert written["cinergy_ratio"] == pytest.approx(1.0, abs=0.8), "beside a neighbour a core costs the same here"
    assert f"cinergy_ratio = {written['cinergy_ratio']:.3f}" in done.stdout
    assert written["host"]
    assert written["date"].endswith("+00:00")
    assert written["fitted_range"] == [0, max(point["cores"] for point in written["points"])]
    assert f"model_file: {model}" in done.stdout
    power = Config.model_validate({"model_file": model}).power
    assert (power.cpu_unit, power.polynomial.fitted_range) == ("cores", tuple(written["fitted_range"]))
    assert power.cinergy_ratio == written["cinergy_ratio"]
    for cores in (point["cores"] for point in written["points"]):
        assert power.polynomial(cores) == pytest.approx(IDLE_WATTS + WATTS_PER_CORE * cores, **LATE)
    again = command("calibrate", "qemu", "--root", host.root, "--output", model, *FAST)
    assert again.returncode == 1
    assert f"{model} already exists; fix: --force" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ((), 1, "/sys/class/powercap does not exist"),
        (("--meter", "system"), 1, "collector system counts no energy of this host; fix: name another collector"),
        (("--meter", "sistem"), 2, "did you mean 'system'"),
        (("--label", "x"), 2, "'x' is not NAME=VALUE"),
        (("--steps", "0"), 2, "--steps"),
    ],
)
def test_without_an_energy_counter_it_says_so_and_writes_nothing(command, tmp_path, arguments, code, reason):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/proc").symlink_to("/proc")
    done = command("calibrate", "qemu", "--root", tmp_path / "root", "--output", tmp_path / "m.json", *arguments)
    assert (done.returncode, reason in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "m.json").exists()


def test_the_curve_of_the_processor_is_measured(host, command, tmp_path):
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    model = tmp_path / "state/energy-collector/cpu-model.json"
    done = command("calibrate", "cpu", "--root", host.root, *FAST, env=state)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "progress is for terminals"
    written = json.loads(model.read_text())
    points = written["points"]
    cores = os.cpu_count()
    assert len(points) == len({0, round(cores / 2), cores})
    assert points[-1]["utilization"] > 0.7
    for point in points:
        watts = IDLE_WATTS + WATTS_PER_CORE * point["utilization"] * cores
        assert point["cpu_watts"] == pytest.approx(watts, **LATE)
    assert f"R² = {written['r_squared']:.4f}" in done.stdout
    assert written["date"].endswith("+00:00")
    assert {"cpu", "threads", "sockets", "memory_bytes", "host", "meter", "residual_watts"} <= written.keys()
    assert "residual " in done.stdout
    assert f"model_file: {model}" in done.stdout
    again = command("calibrate", "cpu", "--root", host.root, *FAST, env=state)
    assert again.returncode == 1
    assert f"{model} already exists; fix: --force" in again.stderr
    assert len(EstimateConfig.model_validate({"model_file": model}).model.points) == len(points)
    config = tmp_path / "config.yaml"
    config.write_text(f"collectors: {{estimate: {{options: {{model_file: {model}}}}}}}\n")
    once = command("once", "--config", config)
    assert 'calibrated="true"' in once.stdout
    assert 'source="model_file"' in once.stdout


def test_on_a_machine_that_is_busy_with_something_else_nothing_is_written(host, command, tmp_path):
    with Load(os.cpu_count()):
        done = command("calibrate", "cpu", "--root", host.root, "--output", tmp_path / "m.json", *FAST)
    assert done.returncode == 1, done.stdout
    assert "something else keeps CPUs busy; fix: let nothing else run meanwhile" in done.stderr
    assert not (tmp_path / "m.json").exists()


def test_on_a_terminal_it_shows_how_far_it_is(host, tmp_path):
    ours, theirs = pty.openpty()
    arguments = ("calibrate", "cpu", "--root", host.root, "--output", tmp_path / "m.json", *FAST, "--steps", "1")
    with subprocess.Popen([COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=theirs) as process:
        code = process.wait(60)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other end is closed, and all is read
            break
    os.close(ours)
    assert code == 0, shown
    assert b"Measuring" in shown
    assert b"100%" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ((), 1, "/sys/class/powercap does not exist"),
        (("--meter", "system"), 1, "collector system counts no energy of the processors; fix: name another collector"),
        (("--meter", "estimate"), 1, "collector estimate counts no energy of the processors"),
        (("--meter", "sistem"), 2, "did you mean 'system'"),
        (("--steps", "0"), 2, "--steps"),
    ],
)
def test_a_processor_that_nothing_measures_is_not_calibrated(command, tmp_path, arguments, code, reason):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/proc").symlink_to("/proc")
    output = tmp_path / "new/m.json"
    done = command("calibrate", "cpu", "--root", tmp_path / "root", "--output", output, *arguments)
    assert (done.returncode, reason in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not output.parent.exists()


def test_a_counter_that_cannot_be_read_is_named_with_what_to_do(host, command, tmp_path):
    host.stopped.set()
    host.thread.join(5)
    host.counter.unlink()
    host.counter.symlink_to("/proc/self/mem")  # answers EIO
    done = command("calibrate", "cpu", "--root", host.root, "--output", tmp_path / "m.json", *FAST)
    assert done.returncode == 1, done.stdout
    assert "rapl" in done.stderr
    assert "fix: " in done.stderr
    assert not (tmp_path / "m.json").exists()


NAMES_A_COMMAND = """
from collector_core import hookimpl

@hookimpl
def collector_types():
    return []

@hookimpl
def collector_commands(subcommands):
    subcommands.add("calibrate", lambda context: print("{name} was called"), name="turbine")
"""


def test_a_command_may_have_another_name_than_its_plugin(command, plugin_path):
    env = plugin_path(wind=NAMES_A_COMMAND.format(name="wind"))
    assert "wind was called" in command("calibrate", "turbine", env=env).stdout
    assert command("calibrate", "wind", env=env).returncode == 2
    env = plugin_path(water=NAMES_A_COMMAND.format(name="water"), turbine=NAMES_A_COMMAND.format(name="turbine"))
    assert "turbine was called" in command("calibrate", "turbine", env=env).stdout, "the plugin of that name goes first"


def test_a_command_that_two_plugins_claim_is_neithers(command, plugin_path):
    env = plugin_path(wind=NAMES_A_COMMAND.format(name="wind"), water=NAMES_A_COMMAND.format(name="water"))
    done = command("calibrate", "turbine", env=env)
    assert done.returncode == 2
    assert "`calibrate turbine` is claimed by the plugins water and wind; uninstall one" in done.stderr


def test_the_group_names_its_commands_and_loads_only_the_one_that_is_called(command, plugin_path):
    env = plugin_path(torn="import no_such_module_anywhere")
    assert "qemu  Fit the host's power" in command("calibrate", "--help", env=env).stdout
    own = command("calibrate", "qemu", "--help", env=env)
    assert own.returncode == 0
    for option in ("--config", "--root", "--log-level", "--log-format", "--meter"):
        assert option in own.stdout
    done = command("calibrate", "torn", env=env)
    assert done.returncode == 2
    assert "plugin 'torn' cannot be loaded" in done.stderr
    assert command("calibrate", "system").returncode == 2
