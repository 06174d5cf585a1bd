"""CPU time, memory and bytes of this process and those below it, used for real."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.measure import usage
from collector_core.procfs import processes

BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
TELL = "print(time.process_time(), flush=True)\n"
KERNEL_TICK = 1 / os.sysconf("SC_CLK_TCK")
HOLD = "import sys; data = bytearray(50_000_000); print('ready', flush=True); sys.stdin.read()"
MEBIBYTE = 1 << 20


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def own_cpu_seconds():
    """Of this process and of the children that it has waited for."""
    return sum(os.times()[:4])


def measured(machine):
    machine.add("cpu", "package-0", 100.0)
    return machine.monitor().measure()


def test_cpu_time_is_that_of_this_process_and_of_those_it_has_seen_off(machine):
    before = own_cpu_seconds()
    with measured(machine) as m:
        burn(0.2)
        subprocess.run([sys.executable, "-c", BURN], check=True)
        machine.advance(1.0)
    assert 0.5 <= m.cpu_seconds <= own_cpu_seconds() - before + 4 * KERNEL_TICK  # each of the four is rounded down
    assert m.cpu_percent == pytest.approx(100 * m.cpu_seconds / m.duration_seconds, rel=0.01)


def test_cpu_time_of_a_child_that_lives_on_counts_and_that_before_the_block_does_not(machine):
    with subprocess.Popen(
        [sys.executable, "-c", f"{BURN}{TELL}input()\n{BURN}{TELL}input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        before = float(child.stdout.readline())
        own = own_cpu_seconds()
        with measured(machine) as m:
            child.stdin.write("\n")
            child.stdin.flush()
            after = float(child.stdout.readline())
            machine.advance(1.0)
        own = own_cpu_seconds() - own
        child.kill()
    assert m.cpu_seconds == pytest.approx(after - before, abs=own + 3 * KERNEL_TICK)


def test_without_the_own_process_only_those_below_count(machine):
    machine.add("cpu", "package-0", 100.0)
    with machine.monitor(own_process=False).measure() as m:
        burn(0.3)
        machine.advance(1.0)
    assert m.cpu_seconds == 0
    assert m.memory_bytes is None


def test_the_share_in_the_energy_is_that_of_cpu_time(machine):
    with measured(machine) as m:
        burn(0.3)
        machine.advance(0.3)
    assert 0 < m.cpu_share_ratio <= 1
    assert m.attributed_energy_joules == pytest.approx(m.energy_joules * m.cpu_share_ratio)


def test_energy_of_a_gpu_is_not_attributed_by_cpu_time(machine):
    machine.add("gpu", "GPU-0", 300.0, "nvml_counter")
    with measured(machine) as m:
        burn(0.05)
        machine.advance(1.0)
    assert m.attributed_energy_joules == pytest.approx(m.components["cpu"] * m.cpu_share_ratio)
    assert m.components["cpu"] == pytest.approx(100.0, rel=0.05)


def test_memory_that_was_let_go_of_is_the_peak_and_what_was_kept_the_change(machine):
    with measured(machine) as m:
        kept = bytearray(30 * MEBIBYTE)
        time.sleep(0.25)
        lost = bytearray(60 * MEBIBYTE)
        time.sleep(0.25)
        del lost
        machine.advance(1.0)
    assert len(kept) < m.memory_change_bytes < 45 * MEBIBYTE
    assert m.memory_bytes - m.memory_change_bytes > 50 * MEBIBYTE


def test_memory_of_a_child_is_the_trees(machine):
    with (
        measured(machine) as m,
        subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child,
    ):
        child.stdout.readline()
        time.sleep(0.25)
        child.stdin.close()
    own = processes.parse_process_stat(Path("/proc/self/stat").read_bytes()).resident_bytes
    assert m.memory_bytes > own + 45_000_000


def test_bytes_written_to_a_disk_are_counted(machine, tmp_path):
    with measured(machine) as m:
        file = os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY)
        os.write(file, bytes(5 * MEBIBYTE))
        os.fsync(file)
        os.close(file)
    if m.disk_bytes == 0:
        pytest.skip("the temporary directory is on no disk")
    assert 5 * MEBIBYTE <= m.disk_bytes < 8 * MEBIBYTE


def test_after_a_fork_the_files_are_those_of_the_child():
    tree = usage.ProcessTree()
    before = tree.read().memory_bytes
    parent, child = multiprocessing.Pipe()
    pid = os.fork()
    if pid == 0:
        data = bytearray(200 * MEBIBYTE)
        child.send((tree.read().memory_bytes, len(data)))
        os._exit(0)
    seen, held = parent.recv()
    os.waitpid(pid, 0)
    tree.close()
    assert seen > before + held / 2


def test_a_machine_that_does_not_say_something_leaves_it_out():
    assert usage.grown(usage.parse_uptime, None, b"1 1") is None
    assert usage.grown(usage.parse_uptime, b"x", b"1 1") is None
    assert usage.grown(usage.parse_network, b"same", b"same") == 0
    assert usage.read_or_none(usage.kernel_file("/proc/self/no-such-file")) is None


NET_DEV = b"""Inter-|   Receive  |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0
  eth0: 100 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0
eth0:1:   3 1 0 0 0 0 0 0 4 1 0 0 0 0 0 0
"""


def test_the_kernels_files_are_understood():
    assert usage.parse_network(NET_DEV) == 127
    assert usage.parse_statm(b"1000 300 20 1 0 5 0\n") == 300 * processes.PAGE_BYTES
    assert usage.parse_uptime(b"100.50 20.25\n") == 100.5 * usage.CPUS - 20.25


@pytest.mark.parametrize("parse", [usage.parse_network, usage.parse_statm, usage.parse_uptime, processes.parse_io])
@given(content=st.binary(max_size=400) | st.text(" 0123456789:.()\n-abc", max_size=400).map(str.encode))
def test_whatever_stands_in_a_file_is_a_number_or_refused(parse, content):
    value = usage.parsed(parse, content)
    assert value is None or isinstance(value, (int, float, tuple))
