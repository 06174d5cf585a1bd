"""Energy of GPUs by the processes that used them, as drivers tell it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_plugins.workloads import metrics
from collector_plugins.workloads.drm_clients import DrmClients, parse_client
from tests.plugins.workloads.conftest import Site
from tests.plugins.workloads.test_processes import Process

PCI = "0000:03:00.0"
AMDGPU = b"pos:\t0\ndrm-driver:\tamdgpu\ndrm-client-id:\t7\ndrm-pdev:\t0000:03:00.0\ndrm-engine-gfx:\t3000000000 ns\n"
XE = (
    b"drm-driver:\txe\ndrm-pdev:\t0000:03:00.0\ndrm-client-id:\t9\n"
    b"drm-cycles-rcs:\t%d\ndrm-total-cycles-rcs:\t%d\ndrm-engine-capacity-rcs:\t1\n"
)


class Gpu:
    """A meter of one GPU that draws `watts`; `busy` are seconds by pid, None where its driver does not tell."""

    def __init__(self, device=PCI, watts=200.0):
        self.device, self.watts, self.joules, self.busy = device, watts, 0.0, None
        self.clock = None

    def reading(self):
        return EnergyReading(self.joules, self.clock.monotonic() if self.clock else 0.0)

    def meter(self):
        return EnergyMeter(
            Component.GPU, self.device, EnergyMethod.METER, 0.05, 1.0, self.reading, self.reading,
            busy_by_process=lambda: self.busy,
        )  # fmt: skip


class Machine:
    """A site with one GPU, of which `draw` lets time pass."""

    def __init__(self, host, harness, gpu, **options):
        self.gpu = gpu
        self.site = Site(host, harness, meters=[gpu.meter()], idle_watts={"cpu": 20, "gpu": 50}, **options)
        gpu.clock = self.site.clock
        for _ in range(3):  # until the ledger believes what a new meter says
            self.draw()

    def draw(self, seconds=10.0):
        self.gpu.joules += self.gpu.watts * seconds
        self.site.run(seconds)

    def of(self, metric):
        return self.site.of(metric, "gpu")


def client(host, pid, nanoseconds, number=7, descriptor=5):
    text = f"drm-driver:\tamdgpu\ndrm-client-id:\t{number}\ndrm-pdev:\t{PCI}\ndrm-engine-gfx:\t{nanoseconds} ns\n"
    host.write(f"proc/{pid}/fdinfo/{descriptor}", text)
    link = Path(host.root, f"proc/{pid}/fd/{descriptor}")
    link.parent.mkdir(exist_ok=True)
    if not link.is_symlink():
        link.symlink_to("/dev/dri/renderD128")


def test_joules_of_a_gpu_go_to_those_that_keep_its_engines_busy(host, collector_harness):
    for pid, unit in ((100, "a.service"), (101, "b.service")):
        host.make(f"/{unit}")
        Process(host, pid, unit, f"/{unit}")
        client(host, pid, 10**12, number=pid)
    machine = Machine(host, collector_harness, Gpu())
    before, idle = dict(machine.site.joules("gpu")), machine.of(metrics.IDLE)
    client(host, 100, 10**12 + 6 * 10**9, number=100)
    client(host, 101, 10**12 + 2 * 10**9, number=101)
    client(host, 101, 10**12 + 2 * 10**9, number=101, descriptor=6)  # the same one, as after dup(2)
    machine.draw()
    assert before == {}
    assert machine.site.named("a.service", "gpu") == pytest.approx(1500 * 0.75)
    assert machine.site.named("b.service", "gpu") == pytest.approx(1500 * 0.25)
    assert machine.of(metrics.IDLE) - idle == pytest.approx(500)
    assert machine.of(metrics.MEASURED) == pytest.approx(machine.site.ledger("gpu"))


def test_a_gpu_of_which_no_driver_tells_is_not_handed_out(host, collector_harness):
    machine = Machine(host, collector_harness, Gpu())
    machine.draw()
    assert machine.site.workloads.value(metrics.MEASURED, component="gpu") is None
    machine.gpu.busy = {}
    machine.draw()
    assert machine.of(metrics.MEASURED) == pytest.approx(machine.site.ledger("gpu")), "with what came before"


def test_a_meter_tells_who_used_its_gpu(host, collector_harness):
    host.make("/a.service")
    Process(host, 100, "vllm", "/a.service")
    gpu = Gpu("GPU-1")
    gpu.busy = {100: 5.0}
    machine = Machine(host, collector_harness, gpu)
    before = machine.of(metrics.UNATTRIBUTED)
    gpu.busy = {100: 8.0, 999: 3.0}
    machine.draw()
    assert machine.site.named("a.service", "gpu") == pytest.approx(1500 / 2)
    assert machine.of(metrics.UNATTRIBUTED) - before == pytest.approx(1500 / 2), "of a process that nobody sees"


def test_what_a_process_used_that_has_ended_is_its_workloads(host, collector_harness):
    host.make("/a.service")
    process = Process(host, 100, "vllm", "/a.service")
    gpu = Gpu("GPU-1")
    gpu.busy = {100: 5.0}
    machine = Machine(host, collector_harness, gpu)
    gpu.busy = {100: 9.0}
    process.end()
    machine.draw()
    assert machine.site.named("a.service", "gpu") == pytest.approx(1500)


def test_gpus_go_on_after_a_restart(host, collector_harness):
    host.make("/a.service")
    Process(host, 100, "vllm", "/a.service")
    gpu = Gpu("GPU-1")
    gpu.busy = {100: 0.0}
    machine = Machine(host, collector_harness, gpu)
    gpu.busy = {100: 9.0}
    machine.draw()
    machine.site.end()
    machine.site.workloads = machine.site.start()
    machine.draw()
    gpu.busy = {100: 18.0}
    machine.draw()
    assert machine.site.named("a.service", "gpu") == pytest.approx(3000)
    assert machine.of(metrics.MEASURED) == pytest.approx(machine.site.ledger("gpu"))


def test_busy_cycles_are_seconds():
    first, second = parse_client(XE % (100, 1000)), parse_client(XE % (350, 2000))
    assert first is not None
    assert second is not None
    assert second.seconds_since(first, 4.0) == pytest.approx(1.0)
    assert parse_client(AMDGPU).seconds == pytest.approx(3.0)


def test_a_process_that_opens_a_gpu_later_is_found(host):
    process = Process(host, 100, "python", "/a.service")
    clients = DrmClients(host.root / "proc")
    assert clients.read(0.0) == {}
    client(host, 100, 10**9)
    Process(host, 101, "new", "/a.service")
    client(host, 101, 2 * 10**9, number=8)
    assert clients.read(5.0)[PCI][str(101)] == pytest.approx(2.0), "of a new process all counts"
    for _ in range(30):
        clients.read(5.0)
    client(host, 100, 3 * 10**9)
    assert clients.read(5.0) == {PCI: {"100": pytest.approx(2.0), "101": 0.0}}
    for file in ("fd/5", "fdinfo/5"):
        Path(host.root, "proc/100", file).unlink()
    assert process.pid == 100
    assert set(clients.read(5.0)[PCI]) == {"101"}


@given(
    st.one_of(
        st.binary(max_size=200), st.builds(lambda tail: AMDGPU + b"drm-engine-dec:\t" + tail, st.binary(max_size=30))
    )
)
def test_whatever_a_file_says_it_is_a_use_of_a_gpu_or_none(content):
    try:
        found = parse_client(content)
    except ValueError:
        return
    assert found is None or found.seconds >= 0
