"""Firecracker and Cloud Hypervisor as guests, by command line, API socket and libvirt; names of Proxmox."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import Harness
from collector_plugins.qemu import metrics, monitor_api
from collector_plugins.qemu.cmdline import Description
from collector_plugins.qemu.discovery import ASK_AGAIN_SECONDS
from collector_plugins.qemu.managers import find_domains
from collector_plugins.qemu.monitors import find_describer

from .conftest import Machine, write

Watching = Callable[..., Harness]
UUID = "7d2a0a3c-0e0c-4d5e-9a51-0f0f3a1b2c3d"
LONG = "a-folder-whose-name-is-so-long-that-no-address-of-a-socket-has-room-for-it" * 2
STATUS = """<domstatus state='running' reason='booted' pid='{pid}'>
  <domain type='hyperv' id='7'><name>{name}</name><uuid>{uuid}</uuid></domain>
</domstatus>
"""


@contextmanager
def api(path: Path, answers: dict[str, object]) -> Iterator[list[str]]:
    """A monitor's API on a socket, which answers these paths and keeps the connection; yields what was asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    asked: list[str] = []
    server = listen(path)

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                asked.append(peer.recv(4096).split()[1].decode())
                answer = answers.get(asked[-1])
                body = json.dumps(answer).encode()
                status = "400 Bad Request" if answer is None else "200 OK"
                peer.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield asked
    server.shutdown(socket.SHUT_RDWR)
    thread.join()
    server.close()


def listen(path: Path) -> socket.socket:
    """A socket at a path of any length."""
    folder = os.open(path.parent, os.O_PATH)
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"/proc/self/fd/{folder}/{path.name}")
    server.listen()
    os.close(folder)
    return server


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for answers as long as a busy machine takes."""
    monkeypatch.setattr(monitor_api, "SECONDS", 60.0)


def guests(harness: Harness) -> dict[tuple[str, ...], float]:
    """The vCPUs of each guest by its name and uuid."""
    return harness.series(metrics.VM_VCPUS)


def guests_after(harness: Harness, seconds: float) -> dict[tuple[str, ...], float]:
    harness.run(advance=seconds)
    return guests(harness)


def test_a_firecracker_is_a_guest_by_its_id(machine: Machine, watching: Watching) -> None:
    guest = machine.start("/usr/bin/firecracker", "--id", "web-1", "--no-api", "--config-file", "/etc/vm.json")
    guest.name_threads("fc_vmm", "fc_vcpu 0", "fc_vcpu 1")
    machine.start("/srv/jail/firecracker-v1.7.0-x86_64", "--id=web-2", "--start-time-us=5", "--no-api")
    machine.start("/usr/bin/firecracker-containerd", "--config", "/etc/f.toml")
    machine.start("/usr/bin/firecracker", "--version")
    harness = watching()
    harness.run()
    guest.burn(0.5)
    harness.run(advance=1)
    assert guests(harness) == {("web-1", ""): 2, ("web-2", ""): 1}
    assert harness.value(metrics.VM_CPU_USAGE, vm="web-1", uuid="") == 0.5


@pytest.mark.usefixtures("patient")
def test_a_firecracker_says_by_its_api_what_its_command_line_does_not(machine: Machine, watching: Watching) -> None:
    guest = machine.start("/usr/bin/firecracker")
    answers = {"/": {"id": "from-api", "state": "Running"}, "/machine-config": {"vcpu_count": 4, "mem_size_mib": 512}}
    with api(guest.folder / "root/run/firecracker.socket", answers) as asked:
        harness = watching()
        harness.run()
        harness.run(advance=ASK_AGAIN_SECONDS)
    assert guests(harness) == {("from-api", ""): 4}
    assert asked == ["/", "/machine-config"], "once"


def test_a_config_file_knows_the_vcpus_of_a_firecracker(machine: Machine, watching: Watching) -> None:
    write(machine.root / "etc/vm.json", json.dumps({"machine-config": {"vcpu_count": 3}}).encode())
    machine.start("/usr/bin/firecracker", "--no-api", "--id", "small", "--config-file", "/etc/vm.json")
    harness = watching()
    harness.run()
    assert guests(harness) == {("small", ""): 3}


@pytest.mark.usefixtures("patient")
def test_a_cloud_hypervisor_is_called_as_its_socket_and_knows_its_uuid(machine: Machine, watching: Watching) -> None:
    machine.start(
        "/usr/bin/cloud-hypervisor", "--cpus", "boot=2,max=8", "--platform", f"uuid={UUID}", "--kernel", "/boot/vmlinux"
    )
    kata = machine.start("/usr/bin/cloud-hypervisor", "--api-socket", f"/run/vc/vm/{LONG}/clh-api.sock")
    answer = {"config": {"cpus": {"boot_vcpus": 6, "max_vcpus": 6}, "platform": {"uuid": UUID.upper()}}}
    with api(kata.folder / f"root/run/vc/vm/{LONG}/clh-api.sock", {"/api/v1/vm.info": answer}):
        harness = watching()
        harness.run()
    assert guests(harness) == {(UUID, UUID): 2, (LONG, UUID): 6}


def test_an_api_that_hangs_or_is_not_there_yet_costs_no_guest_and_is_asked_again(
    machine: Machine, watching: Watching, eventually: Callable[..., object]
) -> None:
    machine.guest("-name", "plain")
    late = machine.start("/usr/bin/cloud-hypervisor", "--api-socket", "path=/run/late.sock")
    silent = machine.start("/usr/bin/cloud-hypervisor", "--api-socket=/run/silent.sock")
    (silent.folder / "root/run").mkdir(parents=True)
    with listen(silent.folder / "root/run/silent.sock"):
        harness = watching()
        harness.run()
        assert set(guests(harness)) == {("plain", ""), ("late", ""), ("silent", "")}
        with api(late.folder / "root/run/late.sock", {"/api/v1/vm.info": {"config": {"platform": {"uuid": UUID}}}}):
            harness.run(advance=1)
            assert ("late", "") in guests(harness), "not asked again at once"
            eventually(lambda: ("late", UUID) in guests_after(harness, ASK_AGAIN_SECONDS))
    assert set(guests(harness)) == {("plain", ""), ("late", UUID), ("silent", "")}


def test_libvirt_names_what_it_runs_by_cloud_hypervisor(machine: Machine, watching: Watching) -> None:
    guest = machine.start("/usr/bin/cloud-hypervisor", "--api-socket", "fd=7")
    other = machine.start("/usr/bin/cloud-hypervisor", "--api-socket", "/run/x/other-socket")
    folder = machine.root / "run/libvirt/ch"
    write(folder / "db.xml", STATUS.format(pid=guest.folder.name, name="db", uuid=UUID).encode())
    write(folder / "broken.xml", b"<domstatus pid='1'><domain>")
    write(folder / "gone.xml", STATUS.format(pid=other.folder.name + "0", name="gone", uuid="").encode())
    harness = watching()
    harness.run()
    assert set(guests(harness)) == {("db", UUID), ("other-socket", "")}


def test_proxmox_names_a_guest_whose_command_line_has_its_number_only(machine: Machine, watching: Watching) -> None:
    machine.guest("-id", "101")
    machine.guest("-id", "102")
    machine.guest("-id", "103", "-name", "own,debug-threads=on")
    conf = b"#a note\ncores: 2\nname: mail\n\n[before-upgrade]\nname: old\n"
    write(machine.root / "etc/pve/qemu-server/101.conf", conf)
    write(machine.root / "etc/pve/qemu-server/103.conf", conf)
    harness = watching()
    harness.run()
    assert set(guests(harness)) == {("mail", ""), ("102", ""), ("own", "")}


def test_the_answers_of_those_that_speak_are_taken_beside_one_that_does_not(eventually: Callable[..., object]) -> None:
    over = threading.Event()
    questions = {
        "hangs": lambda: over.wait(60),
        "speaks": lambda: True,
        "fails": lambda: bool(int("x")),
        "nests": lambda: bool(json.loads("[" * 100_000)),
    }
    eventually(lambda: monitor_api.ask_all(questions) == {"speaks": True})
    over.set()


def test_an_api_that_drips_is_left(tmp_path: Path) -> None:
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer, suppress(OSError):
            while not over.wait(0.01):
                peer.sendall(b"H")

    with listen(tmp_path / "api.sock") as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        with pytest.raises((TimeoutError, BlockingIOError)):
            monitor_api.ask_monitor(str(tmp_path / "api.sock"), Description(api_paths=("/",)))
        over.set()
        thread.join()


@given(st.lists(st.text(alphabet="-=,/.abcdhipsu0123456789", max_size=20), max_size=6))
def test_any_command_line_is_described(words: list[str]) -> None:
    for program in ("firecracker", "cloud-hypervisor"):
        describe = find_describer(f"/usr/bin/{program}")
        assert describe is not None
        assert 1 <= describe([program, *words], lambda _: None).vcpus <= 65535


@given(st.binary(max_size=60))
def test_any_file_of_libvirt_is_understood_or_left_out(tmp_path_factory, content: bytes) -> None:
    root = tmp_path_factory.mktemp("root")
    write(root / "run/libvirt/qemu/a.xml", b"<domstatus pid='7'>" + content)
    assert find_domains(root) == {}
