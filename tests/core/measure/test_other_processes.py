"""What others use that do work for the measured process: nodes, servers, units and containers."""

import asyncio
import json
import os
import socketserver
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from collector_core.measure.named_processes import Named, Processes
from collector_core.measure.other_use import Others, ProcessSet, ProcessSnapshot
from tests.plugins.workloads.runtime_servers import cri
from tests.powercap import without_privileges

pytestmark = pytest.mark.real_time

TICKS = os.sysconf("SC_CLK_TCK")
CONTAINER = "ab" * 32
WORKER = """
import subprocess, sys, time
print("ready", flush=True)
for line in sys.stdin:
    end = time.process_time() + 0.2
    while time.process_time() < end: pass
    if line.strip() == "child":
        burn = "import time\\nwhile time.process_time() < 0.2: pass"
        subprocess.run([sys.executable, "-c", burn], check=True)
    print(time.process_time(), flush=True)
"""


class Node:
    """A process that works when it is asked to."""

    def __init__(self):
        command = [sys.executable, "-c", WORKER]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.process.stdout.readline()  # what it took to start is no work

    def work(self, how="self"):
        self.process.stdin.write(f"{how}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def node():
    node = Node()
    yield node
    node.end()


@pytest.fixture
def cpu(machine):
    machine.add("cpu", "package-0", 100.0)
    return machine


class Tree:
    """A machine by hand: processes and control groups whose CPU time the test decides."""

    def __init__(self, root):
        self.root = root
        (root / "proc").mkdir()
        self.mount = root / "sys/fs/cgroup"
        self.mount.mkdir(parents=True)
        (self.mount / "cgroup.controllers").write_text("cpu memory\n")

    def process(self, pid, name="geth", seconds=0.0, children=0.0, parent=1, group="/", state="S", start=7):
        folder = self.root / "proc" / str(pid)
        (folder / f"task/{pid}").mkdir(parents=True, exist_ok=True)
        ticks, reaped = round(seconds * TICKS), round(children * TICKS)
        fields = [state, parent, *[0] * 9, ticks, 0, reaped, 0, 20, 0, 1, 0, start, 1000, 10]
        (folder / "stat").write_text(f"{pid} ({name[:15]}) {' '.join(map(str, fields))} 0 0\n")
        (folder / "cmdline").write_bytes(f"/usr/bin/{name}".encode() + b"\0--http\0")
        (folder / "cgroup").write_text(f"0::{group}\n")
        family = self.root / f"proc/{parent}/task/{parent}"
        if family.exists():
            file = family / "children"
            file.write_text(f"{file.read_text() if file.exists() else ''}{pid} ")

    def end(self, pid):
        for file in sorted((self.root / "proc" / str(pid)).rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
        (self.root / "proc" / str(pid)).rmdir()
        for file in self.root.glob("proc/*/task/*/children"):
            file.write_text(" ".join(each for each in file.read_text().split() if each != str(pid)) + " ")

    def group(self, path, seconds):
        folder = self.mount / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.stat").write_text(f"usage_usec {round(seconds * 1e6)}\nuser_usec 0\n")


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


@pytest.fixture
def measure(cpu, tree):
    """Measures on that tree."""
    return lambda *names: cpu.monitor(root=tree.root).measure("send", processes=names)


def test_a_named_process_is_told_apart_from_the_client_that_started_it(cpu, node):
    monitor = cpu.monitor()
    with monitor.measure(processes=[node.pid]) as m:
        node.work("child")
        cpu.advance(2.0)
    (other,) = m.others
    assert (other.name, other["cpu_seconds"]) == (str(node.pid), other.cpu_seconds)
    assert 0.38 <= other.cpu_seconds < 2, "and its child's, which has ended"
    assert m.cpu_seconds < other.cpu_seconds
    assert m.attributed_with_others_joules == pytest.approx(
        m.attributed_energy_joules + other.attributed_energy_joules, rel=1e-6
    )
    assert other.attributed_energy_joules > m.attributed_energy_joules
    assert m.problems == ()


def test_without_a_name_the_client_has_all_below_it_as_ever(cpu, node):
    with cpu.monitor().measure() as m:
        node.work()
        cpu.advance(1.0)
    assert m.cpu_seconds >= 0.19
    assert m.others == ()
    assert m.attributed_with_others_joules is None
    assert "others" not in m.to_dict()


def test_all_forms_measure_others(cpu, node):
    monitor, finished = cpu.monitor(), []
    monitor._on_finished = finished.append

    @monitor.measure("decorated", processes=[node.pid])
    def decorated():
        cpu.advance(1.0)

    @monitor.measure("coroutine", processes=[node.pid])
    async def coroutine():
        cpu.advance(1.0)

    async def block():
        async with monitor.measure("async", processes=[node.pid]):
            cpu.advance(1.0)

    decorated()
    asyncio.run(coroutine())
    asyncio.run(block())
    monitor.start("started", processes=[node.pid])
    cpu.advance(1.0)
    monitor.stop()
    assert [m.label for m in finished] == ["decorated", "coroutine", "async", "started"]
    assert all(m.others[0].name == str(node.pid) and m.others[0].cpu_seconds is not None for m in finished)


def test_one_that_dies_counts_until_then_and_is_a_problem(cpu, node):
    monitor = cpu.monitor()
    with monitor.measure(processes=[node.pid]) as m:
        node.work()
        monitor.sample()
        node.end()
        cpu.advance(1.0)
    assert 0.18 <= m.others[0].cpu_seconds < 1
    assert m.energy_joules == pytest.approx(100.0, rel=0.01), "that is no fault of the energy"
    assert any(str(node.pid) in problem and "ended" in problem for problem in m.problems)


@pytest.mark.parametrize("name", ["no-such-program", "none.service", 4_000_000, "a b", "", "0123456789ab"])
def test_what_is_not_there_is_named(cpu, name):
    with pytest.raises(ValueError, match=f"no process, unit or container '{name}'"):
        cpu.monitor().measure(processes=[name])


def test_one_name_is_no_sequence_of_letters(cpu):
    with pytest.raises(TypeError, match="sequence"):
        cpu.monitor().measure(processes="geth")


def test_a_unit_counts_all_that_its_control_group_does(cpu, tree, measure):
    tree.group("/system.slice/geth.service", 100.0)
    with measure("geth.service") as m:
        tree.group("/system.slice/geth.service", 103.5)
        cpu.advance(4.0)
    assert m.others[0].cpu_seconds == pytest.approx(3.5)
    assert m.problems == ()


def test_a_unit_that_stops_counts_until_then(cpu, tree, measure):
    tree.group("/system.slice/geth.service", 100.0)
    with measure("geth.service") as m:
        tree.group("/system.slice/geth.service", 102.0)
        cpu.monitors[-1].sample()
        (tree.mount / "system.slice/geth.service/cpu.stat").unlink()
        cpu.advance(4.0)
    assert m.others[0].cpu_seconds == pytest.approx(2.0)
    assert "geth.service has ended" in m.problems[0]


def test_a_process_that_several_names_mean_counts_once(cpu, tree, measure):
    tree.process(41, group="/system.slice/geth.service")
    tree.process(42, parent=41, group="/system.slice/geth.service")
    tree.process(50, "other-node")
    tree.group("/system.slice/geth.service", 10.0)
    with measure(41, 42, "geth", "geth.service", 50, 50) as m:
        tree.process(41, seconds=2.0, group="/system.slice/geth.service")
        tree.process(42, seconds=1.0, parent=41, group="/system.slice/geth.service")
        tree.process(50, "other-node", seconds=4.0)
        tree.group("/system.slice/geth.service", 13.0)
        cpu.advance(10.0)
    assert [(each.name, each.cpu_seconds) for each in m.others] == [
        ("41", pytest.approx(3.0)),
        ("42", pytest.approx(1.0)),
        ("geth", pytest.approx(3.0)),
        ("geth.service", pytest.approx(3.0)),
        ("50", pytest.approx(4.0)),
    ]
    ratio = m.attributed_with_others_joules / m.others[-1].attributed_energy_joules
    assert ratio == pytest.approx((7.0 + m.cpu_seconds) / 4.0, rel=0.05)


def test_the_client_is_not_counted_again_where_a_name_means_it(cpu):
    with cpu.monitor().measure(processes=[os.getpid(), os.getpid()]) as m:
        cpu.advance(1.0)
    assert m.attributed_with_others_joules == pytest.approx(m.attributed_energy_joules, rel=0.2)


@contextmanager
def docker(root, *containers):
    """A runtime's socket that answers as Docker does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(containers).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "socket"

        def log_message(self, *words):
            pass

    (root / "run").mkdir(exist_ok=True)
    with socketserver.UnixStreamServer(str(root / "run/docker.sock"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


def test_a_container_is_known_by_its_name_and_by_its_id(cpu, tree, measure):
    path = f"/system.slice/docker-{CONTAINER}.scope"
    tree.group(path, 5.0)
    told = [{"Id": CONTAINER, "Names": ["/node"]}, {"Id": "cd" * 32, "Names": None}, "nonsense"]
    with docker(tree.root, *told), measure("node", CONTAINER[:12]) as m:
        tree.group(path, 6.0)
        cpu.advance(4.0)
    assert [each.cpu_seconds for each in m.others] == [pytest.approx(1.0)] * 2
    assert m.attributed_with_others_joules == pytest.approx(
        m.others[0].attributed_energy_joules + m.attributed_energy_joules
    )


def test_a_container_of_kubernetes_is_known_by_its_name(cpu, tree, measure):
    path = f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{CONTAINER}.scope"
    tree.group(path, 5.0)
    socket = tree.root / "run/containerd/containerd.sock"
    with cri(socket, containers=[("cd" * 32, "other", "x"), (CONTAINER, "node", "geth:1")]), measure("node") as m:
        tree.group(path, 6.0)
        cpu.advance(4.0)
    assert [each.cpu_seconds for each in m.others] == [pytest.approx(1.0)]


def test_a_runtime_that_speaks_another_protocol_knows_no_container(cpu, tree, measure):
    socket = tree.root / "run/crio/crio.sock"
    socket.parent.mkdir(parents=True)
    with docker(tree.root):
        socket.symlink_to(tree.root / "run/docker.sock")
        with pytest.raises(ValueError, match="no process, unit or container"), measure("no-such-node"):
            pass


@pytest.mark.parametrize(
    "path",
    ["/lxc.payload.my-node", "/lxc/my-node", r"/machine.slice/systemd-nspawn@my\x2dnode.service"],
)
def test_containers_that_are_called_so_in_their_path(cpu, tree, measure, path):
    tree.group(path, 5.0)
    with measure("my-node") as m:
        tree.group(path, 6.0)
        cpu.advance(4.0)
    assert m.others[0].cpu_seconds == pytest.approx(1.0)


def test_programs_are_known_by_their_whole_name_though_the_kernel_cuts_it(tree):
    tree.process(41, "consensus-client-of-mine")
    tree.process(42, "consensus-client-of-mine", state="Z")
    assert Processes(tree.root).find("consensus-client-of-mine").pids == (41,)


def test_what_may_not_be_read_is_a_problem_with_a_remedy(tree):
    tree.group("/system.slice/geth.service", 5.0)
    (tree.mount / "system.slice/geth.service/cpu.stat").chmod(0)
    processes = Processes(tree.root)
    named = [processes.find("geth.service"), Named("41", problem="process 41: hidden; fix: run as root")]
    with without_privileges():
        use = Others(named, processes).use(0.0)
    assert use.by_name == (("geth.service", None), ("41", None))
    assert use.cpu_seconds is None
    assert "may not be read; fix: run as root" in use.problems[0]
    assert use.problems[1] == "process 41: hidden; fix: run as root"


def used(tree, *steps, pids):
    """CPU seconds of processes, looked at before and after each step."""
    watched = ProcessSet(ProcessSnapshot(tree.root / "proc"), pids)
    for step in steps:
        step()
        watched.look(ProcessSnapshot(tree.root / "proc"))
    return watched.cpu_seconds


def test_what_a_parent_takes_over_from_its_ended_child_counts_once(tree):
    tree.process(41, seconds=1.0)
    tree.process(42, parent=41, seconds=5.0)

    def work():
        tree.process(42, parent=41, seconds=7.0)

    def reap():
        tree.end(42)
        tree.process(41, seconds=1.0, children=7.5)

    assert used(tree, work, reap, pids=[41, 42]) == pytest.approx(2.5)
    assert len(list(tree.root.glob("proc/*"))) == 1


def test_what_no_parent_takes_over_is_not_lost(tree):
    tree.process(41, seconds=1.0)
    tree.process(42, parent=41, seconds=0.0)
    steps = [lambda: tree.process(42, parent=41, seconds=7.0), lambda: tree.end(42), lambda: tree.end(41)]
    assert used(tree, *steps, pids=[41]) == pytest.approx(7.0)


def test_an_orphan_still_counts(tree):
    tree.process(41)
    tree.process(42, parent=41)

    def orphan():
        tree.end(41)
        tree.process(42, seconds=3.0)

    assert used(tree, orphan, pids=[41]) == pytest.approx(3.0)


def test_a_number_that_another_process_got_is_another_process(tree):
    tree.process(41, seconds=1.0)
    assert used(tree, lambda: tree.process(41, seconds=500.0, start=900), pids=[41]) == 0
