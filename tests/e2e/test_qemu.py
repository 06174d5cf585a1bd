"""The whole program beside real QEMU guests, each a boot sector of a few bytes."""

import contextlib
import os
import re
import signal
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from .boot_sectors import BURN_ONE, BURN_TWO, IDLE

pytestmark = pytest.mark.xdist_group("guests")  # each sees those of the others
TICKS = os.sysconf("SC_CLK_TCK")
UUID = "0b7c3a52-11d4-4e0a-9c0e-52f1a0c7e801"
CONFIG = """
collectors:
  qemu:
    interval: 500ms
    options: {coefficients: [10, 10], cinergy_ratio: 0.75, server_cores: 16, pue: 1.3, emission_factor: 50}
"""
WINDOW_SECONDS = 10
EMULATED = ("-accel", "tcg,thread=multi")
COMMON = ("-m", "16", "-display", "none", "-nodefaults", "-no-user-config", "-serial", "none")


@pytest.fixture
def boot(require, spawn, tmp_path):
    """Starts a guest that runs a boot sector: `boot(program, sector, *options)`."""

    def boot(program, sector, *options):
        require("qemu-system-x86_64")
        image = tmp_path / f"{len(list(tmp_path.glob('*.img')))}.img"
        image.write_bytes(sector)
        return spawn(require(program), *options, *COMMON, "-drive", f"file={image},format=raw,if=ide")

    return boot


@pytest.fixture
def daemon(boot, tmp_path):
    """Starts a guest that goes into the background, as Proxmox does it; returns its pid."""
    pids = []

    def start(*arguments):
        pidfile = tmp_path / "guest.pid"
        launcher = boot(*arguments, "-daemonize", "-pidfile", pidfile)
        assert launcher.process.wait(20) == 0, launcher.log
        pids.append(int(pidfile.read_text()))
        return pids[-1]

    yield start
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def cpu_ticks(stat):
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


class Reader(threading.Thread):
    """Reads the CPU time of processes again and again, independently of the collector."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.readings = {pid: [] for pid in pids}
        self.stopped = threading.Event()
        self.start()

    def run(self):
        while not self.stopped.wait(0.02):
            for pid, found in self.readings.items():
                text = Path(f"/proc/{pid}/stat").read_text()
                found.append((time.time(), cpu_ticks(text) / TICKS))

    def cores(self, pid, start, end):
        """Mean use of cores between two moments, in seconds since 1970."""
        used = [self._at(pid, moment) for moment in (start, end)]
        return (used[1] - used[0]) / (end - start)

    def _at(self, pid, moment):
        found = self.readings[pid]
        (t0, s0), (t1, s1) = next((a, b) for a, b in pairwise(found) if a[0] <= moment <= b[0])
        return s0 + (s1 - s0) * (moment - t0) / (t1 - t0)


class View:
    """One scrape: what it says of each guest, by name."""

    def __init__(self, program):
        samples = program.samples()
        self.at = samples['collector_last_success_timestamp_seconds{collector="qemu",plugin="qemu"}']
        self.vms = samples["qemu_vms"]
        self.of = {}
        for series, value in samples.items():
            if match := re.fullmatch(r'qemu_vm_(\w+)\{uuid="([^"]*)",vm="([^"]*)"\}', series):
                self.of.setdefault(match[3], {"uuid": match[2]})[match[1]] = value


@pytest.mark.timeout(180)
def test_three_guests_an_impostor_and_an_end(boot, daemon, collector, spawn, eventually):
    bare = boot("qemu-system-x86_64", IDLE, "-name", "idle", *EMULATED)
    libvirt = boot(
        *(
            "qemu-system-x86_64",
            BURN_ONE,
            "-name",
            "guest=one,debug-threads=on",
            "-machine",
            "pc,usb=off,memory-backend=ram",
        ),
        *("-object", '{"qom-type":"memory-backend-ram","id":"ram","size":16777216}', "-overcommit", "mem-lock=off"),
        *(
            "-smp",
            "1,sockets=1,cores=1,threads=1",
            "-uuid",
            UUID,
            "-rtc",
            "base=utc,driftfix=slew",
            "-msg",
            "timestamp=on",
        ),
        *EMULATED,
    )
    proxmox = daemon(
        *("kvm", BURN_TWO, "-name", "two,debug-threads=on", "-no-shutdown", "-smp", "2,sockets=1,cores=2,maxcpus=2"),
        *("-smbios", "type=1,uuid=2c5b7c1e-90f1-4d11-a4c2-3b1f0b6e7703", "-boot", "menu=off,strict=on", *EMULATED),
    )
    words = ("-c", "import time; time.sleep(600)", "qemu-system-x86_64", "-name", "impostor", "-smp", "4")
    impostors = [
        spawn(sys.executable, *words),
        spawn("bash", "-c", f'exec -a kvm {sys.executable} "$@"', "kvm", *words),
    ]
    pids = {"idle": bare.pid, "one": libvirt.pid, "two": proxmox}
    program = collector(CONFIG)
    eventually(lambda: "power_watts" in View(program).of.get("two", {}))
    time.sleep(3)  # the firmware of the guests needs a moment

    reader = Reader(pids.values())
    time.sleep(0.2)
    before = eventually(lambda: (view := View(program)).at > reader.readings[proxmox][0][0] and view)
    time.sleep(WINDOW_SECONDS)
    after = View(program)
    time.sleep(0.2)
    reader.stopped.set()
    reader.join()

    assert after.of.keys() >= pids.keys(), "beside those that others run here"
    assert "impostor" not in after.of
    assert after.vms == len(after.of)
    assert all(process.process.poll() is None for process in impostors)
    for name, pid in pids.items():
        truth = reader.cores(pid, before.at, after.at)
        ours = (after.of[name]["cpu_seconds_total"] - before.of[name]["cpu_seconds_total"]) / (after.at - before.at)
        assert ours == pytest.approx(truth, rel=0.03, abs=0.003), name
        guest = after.of[name]
        assert guest["static_power_watts"] == 10 * guest["vcpus"] / 16
        assert guest["dynamic_power_watts"] == pytest.approx(guest["cpu_usage_cores"] * 7.5)
        assert guest["power_watts"] == pytest.approx(guest["static_power_watts"] + guest["dynamic_power_watts"])
        assert guest["emissions_grams_per_hour"] == pytest.approx(guest["power_watts"] / 1000 * 1.3 * 50)
        joules = guest["energy_joules_total"] - before.of[name]["energy_joules_total"]
        assert joules == pytest.approx((guest["static_power_watts"] + 7.5 * truth) * (after.at - before.at), rel=0.03)
    assert {name: after.of[name]["vcpus"] for name in pids} == {"idle": 1, "one": 1, "two": 2}
    assert {name: after.of[name]["uuid"] for name in pids} == {"idle": "", "one": UUID, "two": ""}
    assert after.of["idle"]["cpu_usage_cores"] < 0.1
    burning = [cpu_ticks((thread / "stat").read_text()) for thread in threads(proxmox)]
    assert len(burning) == 2
    assert min(burning) > TICKS, "both processors burn"

    libvirt.process.kill()  # nobody waits for it: it stays as a zombie
    eventually(lambda: "one" not in View(program).of)
    assert Path(f"/proc/{libvirt.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    assert program.request("/power?vm=one").status == 404
    boot("qemu-system-x86_64", BURN_ONE, "-name", "guest=one,debug-threads=on", "-uuid", UUID, *EMULATED)
    again = eventually(lambda: (guest := View(program).of.get("one", {})) and "power_watts" in guest and guest)
    assert again["cpu_usage_cores"] < 2.5, "no spike"
    for counter in ("cpu_seconds_total", "energy_joules_total", "emissions_grams_total"):
        assert after.of["one"][counter] <= again[counter] < after.of["one"][counter] + 60
    assert program.request(f"/power?uuid={UUID}").json["vm"] == "one"


def threads(pid):
    """The threads of a guest that run its processors."""
    return [
        task
        for task in Path(f"/proc/{pid}/task").iterdir()
        if re.fullmatch(r"CPU \d+/\w+", (task / "comm").read_text().strip())
    ]


def test_the_threads_of_a_kvm_guest_are_its_vcpus(boot, collector, eventually):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("no /dev/kvm here: the other guests are emulated")
    guest = boot("qemu-system-x86_64", IDLE, "-name", "guest=vm,debug-threads=on", "-smp", "maxcpus=2", "-accel", "kvm")
    time.sleep(1)
    if guest.process.poll() is not None:
        pytest.skip(f"/dev/kvm does not work here: {guest.log}")
    eventually(lambda: threads(guest.pid))
    program = collector(CONFIG)
    found = eventually(lambda: View(program).of.get("vm"))
    assert found["vcpus"] == len(threads(guest.pid)) == 2
