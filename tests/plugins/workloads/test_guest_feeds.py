"""Virtual machines that are told their own share: by files, over virtio-serial, and by HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import socket

import pytest
from pydantic import ValidationError

from collector_core import Context
from collector_core.testing import serve_routes
from collector_plugins.guest import Guest
from collector_plugins.guest import metrics as guest_metrics
from collector_plugins.rapl import ENERGY as RAPL_ENERGY
from collector_plugins.rapl import Rapl
from collector_plugins.workloads.config import Config, Guests
from collector_plugins.workloads.guest_feeds import GuestFeeds
from collector_plugins.workloads.guest_folders import GuestFolders
from tests.plugins.workloads.conftest import Host
from tests.plugins.workloads.test_processes import Process

IDLE = {"cpu": 20.0, "dram": 5.0}
FOLDER = {"folder": "/share"}


def qemu(host, pid, name):
    return Process(host, pid, "qemu-system-x86", cmdline=("qemu-system-x86_64", "-name", name))


def run_both(started, host, guests, joules=10.0):
    """One guest uses a second of CPU time, the other half of one."""
    for number, each in enumerate(guests):
        seconds = 1 / (1 + number)
        each.spend(seconds)
        host.spend_outside(seconds)
    started.run(joules)


def reading(host, name):
    return json.loads((host.root / f"share/{name}/reading.json").read_text())


def test_a_collector_inside_reads_what_the_host_handed_to_its_guest(site, host, collector_harness):
    guests = [qemu(host, 100, "web"), qemu(host, 200, "db")]
    started = site(idle_watts=IDLE, guests=FOLDER)
    run_both(started, host, guests)
    inside = {
        name: collector_harness(Guest, host.root / "share", clock=started.clock, folder=f"/{name}")
        for name in ("web", "db")
    }
    zones = collector_harness(Rapl, host.root / "share/web", clock=started.clock)
    before = started.named("web")
    for each in (*inside.values(), zones):
        each.run()
    for _ in range(3):
        run_both(started, host, guests)
        for each in (*inside.values(), zones):
            each.run()
    told = {name: each.value(guest_metrics.ENERGY, component="cpu") for name, each in inside.items()}
    assert told["web"] == pytest.approx(started.named("web") - before) == pytest.approx(1600)
    assert told["db"] == pytest.approx(800), "to each its own"
    assert inside["web"].value(guest_metrics.POWER, component="cpu") == pytest.approx(160 / 3)
    (package,) = (value for key, value in zones.series(RAPL_ENERGY).items() if key[1] == "package-0")
    assert package == pytest.approx(1600), "and rapl, with the share as its root, reads the same"


def test_counters_go_on_when_the_host_restarts(site, host, collector_harness):
    guests = [qemu(host, 100, "web")]
    started = site(idle_watts=IDLE, guests=FOLDER)
    run_both(started, host, guests)
    inside = collector_harness(Guest, host.root / "share", clock=started.clock, folder="/web")
    inside.run()
    started.end()
    inside.run(advance=60)
    assert inside.value(guest_metrics.UP) == 0, "nobody goes on counting"
    started.workloads = started.start()
    run_both(started, host, guests)
    run_both(started, host, guests)
    inside.run()
    assert inside.value(guest_metrics.UNKNOWN_GAPS, component="cpu") == 0
    assert inside.value(guest_metrics.ENERGY, component="cpu") == pytest.approx(started.named("web") - 800)


def test_a_guest_that_ends_leaves_no_number_behind(site, host):
    web, db = qemu(host, 100, "web"), qemu(host, 200, "db")
    started = site(idle_watts=IDLE, guests=FOLDER)
    run_both(started, host, [web, db])
    assert reading(host, "web")["joules"]["cpu"] > 0
    web.end()
    run_both(started, host, [db])
    files = {file.name for file in (host.root / "share/web").rglob("*") if file.is_file()}
    assert files == {"name", "max_energy_range_uj"}, "the folder that is shared stays"
    assert reading(host, "db")["joules"]["cpu"] > 0


def test_guests_of_one_name_are_told_nothing(site, host, caplog):
    guests = [qemu(host, 100, "twin"), qemu(host, 200, "twin"), qemu(host, 300, "single")]
    started = site(idle_watts=IDLE, guests=FOLDER)
    run_both(started, host, guests)
    assert [file.name for file in (host.root / "share").iterdir()] == ["single"]
    assert "2 running guests are called 'twin'" in caplog.text
    guests.pop(0).end()
    run_both(started, host, guests)
    assert reading(host, "twin")["guest"] == "twin"


@pytest.mark.parametrize("name", ["../etc", "a/b", "..", ".hidden", "a\nb", "x" * 250])
def test_a_name_cannot_lead_out_of_the_folder(tmp_path, name):
    with pytest.raises(ValueError, match="cannot be the name of a folder"):
        GuestFolders(tmp_path / "share").write(name, b"{}", {"cpu": 1.0})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_removed_is_not_made_again(tmp_path):
    folders = GuestFolders(tmp_path / "share")
    folders.write("web", b"{}", {"cpu": 1.0})
    shutil.rmtree(tmp_path / "share" / "web")
    folders.keep_only(())
    assert list((tmp_path / "share").iterdir()) == []


def test_links_that_a_guest_made_lead_nowhere(tmp_path):
    target = tmp_path / "target"
    (target / "intel-rapl:0").mkdir(parents=True)
    (target / "reading.json").write_text("mine")
    folders = GuestFolders(tmp_path / "share")
    (tmp_path / "share").mkdir()
    (tmp_path / "share/whole").symlink_to(target)
    with pytest.raises(OSError, match="share|whole|Not a directory|symbolic"):
        folders.write("whole", b"{}", {"cpu": 1.0})
    (tmp_path / "share/part/sys/class").mkdir(parents=True)
    (tmp_path / "share/part/sys/class/powercap").symlink_to(target)
    (tmp_path / "share/part/reading.json").symlink_to(target / "reading.json")
    with pytest.raises(OSError, match="powercap|Not a directory|symbolic"):
        folders.write("part", b"{}", {"cpu": 1.0})
    assert (target / "reading.json").read_text() == "mine"
    assert list((target / "intel-rapl:0").iterdir()) == []


def test_what_one_guest_spoils_costs_the_others_nothing(site, host, caplog):
    guests = [qemu(host, 100, "bad"), qemu(host, 200, "web")]
    started = site(idle_watts=IDLE, guests=FOLDER)
    (host.root / "share").mkdir()
    (host.root / "share/bad").write_text("a file")
    run_both(started, host, guests)
    assert reading(host, "web")["guest"] == "web"
    assert "folder of guest bad" in caplog.text


def test_a_line_goes_over_virtio_serial_and_nobody_waits_for_a_guest_that_reads_none(site, host, tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(host.root / "web.sock"))
        server.listen()
        server.settimeout(30)
        guests = [qemu(host, 100, "web"), qemu(host, 200, "db")]
        started = site(idle_watts=IDLE, guests={"targets": [{"name": "web", "socket": "/web.sock"}]})
        for _ in range(100):  # far more than its buffer holds
            run_both(started, host, guests)
        guest, _ = server.accept()
        with guest:
            guest.settimeout(30)
            lines = b""
            while b"\n" not in lines[-1:]:
                lines += guest.recv(1 << 16)
            for _ in range(3):
                run_both(started, host, guests)
                while not (lines := lines + guest.recv(1 << 16)).endswith(b"\n"):
                    pass
    told = [json.loads(line) for line in lines.splitlines()]
    assert {each["guest"] for each in told} == {"web"}
    assert len(told) < 90, "what is not read is left out"
    assert told[-1]["joules"]["cpu"] == pytest.approx(started.named("web"))


def test_a_socket_that_is_gone_is_connected_to_again(site, host, caplog):
    guests = [qemu(host, 100, "web")]
    started = site(idle_watts=IDLE, guests={"targets": [{"name": "web", "socket": "/web.sock"}]})
    run_both(started, host, guests)
    assert "web.sock" in caplog.text
    for _ in range(2):
        with socket.socket(socket.AF_UNIX) as server:
            (host.root / "web.sock").unlink(missing_ok=True)
            server.bind(str(host.root / "web.sock"))
            server.listen()
            server.settimeout(30)
            run_both(started, host, guests)
            run_both(started, host, guests)
            guest, _ = server.accept()
            with guest:
                guest.settimeout(30)
                assert json.loads(guest.recv(1 << 16).splitlines()[-1])["guest"] == "web"


async def test_a_reading_is_posted_to_the_collector_inside(tmp_path, collector_harness):
    inside = collector_harness(Guest, tmp_path, push={"token": "secret"})
    async with serve_routes(inside.collector.collector_routes()) as session:
        targets = [{"name": "web", "url": str(session._base_url), "token": "secret"}]
        options = Guests.model_validate({"targets": targets})
        context = Context(name="workloads", logger=logging.getLogger("workloads"))
        feeds = GuestFeeds(options, context)
        feeds.tell(["web", "db"], {"web": {"cpu": 7.0}, "db": {"cpu": 9.0}}, ["cpu", "dram"])
        while (told := inside.collector._source.read()) is None:  # noqa: ASYNC110 - until it has come
            await asyncio.sleep(0.01)
        await feeds.close()
        await context.http.close()
    assert (told.guest, told.joules) == ("web", {"cpu": 7.0, "dram": 0.0})


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"name": "web"}, "url or socket"),
        ({"name": "web", "url": "http://192.0.2.1:9877"}, "https"),
        ({"name": "web", "url": "https://192.0.2.1:9877", "socket": "/a"}, "not both"),
        ({"name": "web", "socket": "relative"}, "pattern"),
    ],
)
def test_wrong_targets_are_refused(target, message):
    with pytest.raises(ValidationError, match=message):
        Config(guests={"targets": [target]})


def test_a_program_that_looks_once_tells_nobody(host, site):
    qemu(host, 100, "web")
    started = site(idle_watts=IDLE, guests=FOLDER)
    assert isinstance(started.host, Host)
    feeds = GuestFeeds(Guests(folder="/share"), Context(name="w", logger=logging.getLogger("w"), keeps_running=False))
    assert not feeds.is_needed
