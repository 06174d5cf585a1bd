"""The real system call, what the kernel says, events that go and come back, and the ledger beside `rapl`."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import EnergyMeter, EnergyReading, NotAvailable
from collector_core.energy import Ledger
from collector_plugins.perf import Perf, metrics
from collector_plugins.perf.events import Event, parse_cpu_list, parse_terms
from collector_plugins.perf.kernel import OpenEvent
from tests.plugins.perf.recorded import RecordedPerf

LAPTOP = Path(__file__).parent / "testcases/laptop-i7-8565u-with-a-platform-counter/root"
CPU_CLOCK = Event("cpu-clock", pmu=1, config=0, joules_per_count=1.0)  # PERF_TYPE_SOFTWARE: every kernel has it
ONE_JOULE = 1 << 32


@pytest.fixture
def root(tmp_path):
    return shutil.copytree(LAPTOP, tmp_path / "root")


@pytest.fixture
def harness(collector_harness, root):
    return collector_harness(RecordedPerf, root)


def count(root, event, joules):
    (root / f"perf/{event}/cpu0").write_text(str(joules * ONE_JOULE))


def test_the_real_kernel_counts_or_says_why_not():
    try:
        with closing(OpenEvent(CPU_CLOCK, os.sched_getaffinity(0).pop())) as event:
            first = event.read()
            assert event.read() > first
    except OSError as error:
        assert error.errno in (errno.EACCES, errno.EPERM, errno.ENOSYS)


def test_the_real_kernel_refuses_an_event_that_is_none():
    with pytest.raises(OSError, match=r"\[Errno"):
        OpenEvent(Event("none", pmu=0xFFFF, config=0, joules_per_count=1.0), 0)


def test_an_event_that_is_opened_anew_goes_on_from_where_it_was(harness, root):
    pkg = {"package": "0", "event": "energy-pkg"}
    harness.run()
    count(root, "energy-pkg", 50)
    harness.run(advance=1)
    assert harness.value(metrics.ENERGY, **pkg) == 50
    (root / "perf/energy-pkg/cpu0").write_text("ENODEV")
    harness.run(advance=1)
    assert harness.value(metrics.ENERGY, **pkg) is None
    count(root, "energy-pkg", 0)
    harness.run(advance=1)
    count(root, "energy-pkg", 7)
    harness.run(advance=1)
    assert harness.value(metrics.ENERGY, **pkg) == 57
    assert harness.value(metrics.UNKNOWN_GAPS, **pkg) == 1


def test_where_no_event_counts_any_longer_the_reason_is_told(harness, root):
    harness.run()
    for file in (root / "perf").glob("*/cpu0"):
        file.write_text("EACCES")
    with pytest.raises(NotAvailable, match="denies events") as caught:
        harness.run(advance=1)
    assert caught.value.reason == "permission"


def test_it_does_not_start_by_itself_where_powercap_tells_the_same(harness, root):
    assert RecordedPerf.detect(harness.context) is None
    zone = root / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    (zone / "energy_uj").write_text("1\n")
    assert "rapl" in RecordedPerf.detect(harness.context).detail


def test_what_rapl_counts_is_not_counted_again(harness, root):
    """The ledger has each joule once: powercap's where both are there, the event's where only that is."""
    harness.run()
    for event, joules in (("energy-pkg", 20), ("energy-ram", 5), ("energy-psys", 60), ("energy-cores", 15)):
        count(root, event, joules)
    harness.run(advance=1)
    meters = harness.collector.collector_energy_meters()
    assert {(meter.component, meter.device) for meter in meters} == {
        ("cpu", "package-0"),
        ("dram", "package-0"),
        ("host", "psys"),
    }

    def latest():
        return EnergyReading(30.0, 1001.0)

    rapl = EnergyMeter("cpu", "package-0", "rapl", 0.05, 1.0, latest, latest)
    both, alone = Ledger(), Ledger()
    both.update([*meters, rapl], 1001.0)
    alone.update(meters, 1001.0)
    assert {(meter.component, meter.method) for meter in both.chosen} == {("cpu", "rapl"), ("dram", "perf")}
    assert {(meter.component, meter.method) for meter in alone.chosen} == {("cpu", "perf"), ("dram", "perf")}


def test_a_machine_without_events_has_a_fix(tmp_path, collector_harness):
    with pytest.raises(NotAvailable) as caught:
        collector_harness(Perf, tmp_path).run()
    assert "modprobe rapl" in caught.value.fix


def test_lists_of_cpus_and_terms_are_understood():
    assert parse_cpu_list("0,36-37\n") == [0, 36, 37]
    assert parse_cpu_list("\n") == []
    assert parse_terms("event=0x02,edge\n") == {"event": 2, "edge": 1}


@given(st.text(alphabet="0123456789-,= xevntq\n", max_size=20))
def test_nonsense_is_refused_or_bounded(text):
    for parse in (parse_cpu_list, parse_terms):
        try:
            parse(text)
        except ValueError:
            continue
