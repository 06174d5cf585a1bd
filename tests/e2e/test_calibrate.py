"""`energy-collector calibrate qemu`, with real load, on a host whose true power is known."""

import json
import threading
import time
from pathlib import Path

import pytest

from collector_plugins.qemu.config import Config

IDLE_WATTS, WATTS_PER_CORE = 20.0, 15.0
FAST = ("--steps", "2", "--seconds", "1.5", "--settle", "0.5", "--log-level", "error")


class Host:
    """This machine's own /proc, and an energy counter that follows its load."""

    def __init__(self, root):
        self.root = root
        root.mkdir()
        (root / "proc").symlink_to("/proc")
        self.counter = root / "sys/class/powercap/intel-rapl:0/energy_uj"
        self.counter.parent.mkdir(parents=True)
        (self.counter.parent / "name").write_text("package-0\n")
        (self.counter.parent / "max_energy_range_uj").write_text("262143328850\n")
        self.counter.write_text("0\n")
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.move)

    def move(self):
        joules, ticks, then = 0.0, self.ticks(), time.monotonic()
        while not self.stopped.wait(0.02):
            now, more = time.monotonic(), self.ticks()
            joules += IDLE_WATTS * (now - then) + WATTS_PER_CORE * (more - ticks) / 100
            ticks, then = more, now
            new = self.counter.with_suffix(".new")
            new.write_text(f"{int(joules * 1e6)}\n")
            new.replace(self.counter)

    @staticmethod
    def ticks():
        times = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return times[0] + times[1] + times[2] + times[5] + times[6]


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path / "root")
    host.thread.start()
    yield host
    host.stopped.set()
    host.thread.join(5)


def test_the_fit_is_the_hosts_true_power(host, command, tmp_path):
    model = tmp_path / "model.json"
    done = command("calibrate", "qemu", "--root", host.root, "--output", model, *FAST)
    assert done.returncode == 0, done.stderr
    written = json.loads(model.read_text())
    assert written["r_squared"] > 0.95
    assert written["host"]
    assert written["date"].endswith("+00:00")
    assert written["fitted_range"] == [0, max(point["cores"] for point in written["points"])]
    assert "R² = " in done.stdout
    assert f"model_file: {model}" in done.stdout
    power = Config.model_validate({"model_file": model}).power
    assert (power.cpu_unit, power.polynomial.fitted_range) == ("cores", tuple(written["fitted_range"]))
    for cores in (point["cores"] for point in written["points"]):
        assert power.polynomial(cores) == pytest.approx(IDLE_WATTS + WATTS_PER_CORE * cores, rel=0.15, abs=3)
    again = command("calibrate", "qemu", "--root", host.root, "--output", model, *FAST)
    assert again.returncode == 1
    assert f"{model} is there already; fix: --force" in again.stderr


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
