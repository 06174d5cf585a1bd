"""What was seen is there after the end of the process, whatever ended it."""

import csv
import io
import os
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest

CONFIG = """
    history:
      path: {folder}
      series: ['site_*']
      flush: {flush}
    collectors:
      textfile: {{interval: 200ms, options: {{directories: [{site}]}}}}
    """


class Site:
    """A textfile with a counter, and a collector that keeps it."""

    def __init__(self, folder, collector, eventually, command):
        self.folder = folder / "history"
        self._site = folder / "site"
        self._site.mkdir()
        self._start, self._eventually, self._command = collector, eventually, command

    def start(self, flush="0s", wait=True):
        program = self._start(CONFIG.format(folder=self.folder, site=self._site, flush=flush))
        if wait:
            self._eventually(lambda: program.samples().get("collector_history_up") == 1)
        return program

    def count(self, value):
        new = self._site / "new"
        new.write_text(f"# TYPE site_energy_joules_total counter\nsite_energy_joules_total {value}\n")
        new.rename(self._site / "site.prom")

    def points(self, program, query=""):
        found = program.request(f"/api/v1/history/range?selector=site_energy_joules_total&from=1700000000{query}").json
        return [tuple(point) for series in found["series"] for point in series["points"]]

    def reach(self, program, value):
        self.count(value)
        self._eventually(lambda: [found for _, found in self.points(program)][-1:] == [value])

    def command(self, *arguments):
        return self._command("history", *arguments, "--path", self.folder)


@pytest.fixture
def site(tmp_path, collector, eventually, command):
    return Site(tmp_path, collector, eventually, command)


def test_energy_is_exact_over_an_end_and_a_kill(site):
    site.count(1000)
    first = site.start()
    site.reach(first, 1250.5)
    first.stop()
    site.count(1300)
    second = site.start()
    site.reach(second, 1300)
    second.signal(signal.SIGKILL)
    second.process.wait()
    third = site.start()
    site.reach(third, 40)
    rises = site.points(third, "&step=1d&fn=increase")
    assert sum(value for _, value in rises) == 1300 - 1000 + 40
    events = third.request("/api/v1/history/timeline?from=0").json["events"]
    assert [event["kind"] for event in events] == ["start", "stop", "start", "start"]


def test_commands_read_beside_the_daemon_and_change_nothing(site, tmp_path):
    site.count(1000)
    program = site.start()
    site.reach(program, 1001)
    assert "site_energy_joules_total" in site.command("list").stdout
    rows = list(csv.reader(io.StringIO(site.command("query", "site_energy_joules_total").stdout)))
    assert "no series is meant" in site.command("query", "site_energy").stderr
    assert rows[0] == ["time", "series", "value"]
    assert float(rows[-1][2]) == 1001
    assert site.command("verify").returncode == 0
    file = tmp_path / "all.csv"
    assert site.command("export", "site_*", "--format", "csv", "--output", file).returncode == 0
    assert site.command("backup", tmp_path / "copy").returncode == 0
    for arguments in (("import", file), ("delete", "site_*"), ("compact",)):
        refused = site.command(*arguments)
        assert refused.returncode == 1
        assert "another process" in refused.stderr
    program.stop()
    assert site.command("import", file).returncode == 0
    assert site.command("delete", "site_*").returncode == 0
    assert site.command("list").stdout == ""


def test_the_past_of_a_prometheus_is_imported_whole_and_once(site, tmp_path, require, spawn, free_port, eventually):
    server, tool = require("prometheus"), require("promtool")
    start, port = 1_790_000_000, free_port()
    readings = [(start + 15 * each, 100 * each % 7000) for each in range(2000)]  # falls now and then
    lines = [f'site_energy_joules_total{{plug="a"}} {value} {time}' for time, value in readings]
    lines += [f"site_power_watts {each % 50} {start + 60 * each}" for each in range(500)]
    text = ["# TYPE site_energy_joules counter", *lines[:2000], "# TYPE site_power_watts gauge", *lines[2000:], "# EOF"]
    (tmp_path / "past").write_text("\n".join(text) + "\n")
    assert (
        spawn(tool, "tsdb", "create-blocks-from", "openmetrics", tmp_path / "past", tmp_path / "tsdb").process.wait()
        == 0
    )
    (tmp_path / "prometheus.yml").write_text("")
    places = (f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'tsdb'}")
    spawn(server, *places, f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y")

    url = f"http://127.0.0.1:{port}"
    asked = ("import", "--prometheus", url, "--selector", "site_*", "--from", start, "--to", start + 86_400)
    eventually(lambda: site.command(*asked).returncode == 0)
    assert site.command(*asked).stdout == "0 readings imported\n"
    found = site.command("query", "site_energy_joules_total", "--from", start, "--to", start + 86_400).stdout
    assert [(int(row["time"]), float(row["value"])) for row in csv.DictReader(io.StringIO(found))] == readings
    day = ("--from", start, "--to", start + 86_400, "--step", "1d", "--fn", "increase")
    rises = csv.DictReader(io.StringIO(site.command("query", "site_energy_joules_total", *day).stdout))
    assert sum(float(row["value"]) for row in rises) == 100 * 1999 - 28 * 100  # each fall of 7000 loses what was above


def test_a_prometheus_that_cannot_be_read_is_named_and_nothing_is_kept(site, free_port):
    url = f"http://127.0.0.1:{free_port()}"
    refused = site.command("import", "--prometheus", url, "--selector", "up", "--from", 0, "--to", 60)
    assert (refused.returncode, url.removeprefix("http://") in refused.stderr) == (1, True)
    for wrong in (
        ("--prometheus", url),
        ("--selector", "up"),
        ("--prometheus", url, "--selector", '{__topic__="power"}'),
    ):
        assert site.command("import", *wrong, "--from", 0).returncode == 2


def test_a_second_process_takes_over_when_the_first_has_ended(site, eventually, tmp_path):
    site.count(5)
    first = site.start()
    second = site.start(wait=False)
    locked = 'collector_history_problems_total{reason="locked"}'
    eventually(lambda: second.samples().get(locked) == 1)
    assert second.samples()["collector_history_up"] == 0
    assert second.request("/metrics").status == 200
    first.stop()
    eventually(lambda: second.samples()["collector_history_up"] == 1)
    site.reach(second, 8)
    assert sum("history" in line for line in second.lines if "WARNING" in line) == 2


def test_a_newer_file_is_left_alone(site, eventually):
    site.count(5)
    site.start().stop()
    with closing(sqlite3.connect(site.folder / "history.db")) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = (site.folder / "history.db").read_bytes()
    program = site.start(wait=False)
    eventually(lambda: program.samples().get('collector_history_problems_total{reason="newer_schema"}') == 1)
    assert program.samples()["collector_history_up"] == 0
    assert program.samples()["site_energy_joules_total"] == 5
    program.stop()
    assert (site.folder / "history.db").read_bytes() == before
    assert sum("history" in line for line in program.lines if "WARNING" in line) == 1


def test_garbage_is_set_aside(site, eventually):
    site.folder.mkdir()
    (site.folder / "history.db").write_bytes(os.urandom(20_000))
    assert site.command("verify").returncode == 1
    site.count(5)
    program = site.start()
    site.reach(program, 6)
    assert program.samples()['collector_history_problems_total{reason="corrupt"}'] == 1
    assert list(site.folder.glob("*.corrupt-*"))


def test_off_keeps_nothing(collector, tmp_path):
    program = collector("history: off\ncollectors: {textfile: {options: {directories: [" + str(tmp_path) + "]}}}\n")
    assert program.request("/api/v1/history/series").status == 404
    assert not [name for name in program.samples() if "history" in name]
    program.stop()
    assert not (tmp_path / "state/energy-collector/history").exists()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root can mount a small disk")
def test_a_full_disk_is_survived(site, tmp_path, eventually, spawn):
    site.folder.mkdir()
    if spawn("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", site.folder).process.wait():
        pytest.skip("tmpfs cannot be mounted here")
    try:
        site.count(5)
        program = site.start()
        site.reach(program, 6)
        ballast = site.folder / "ballast"
        with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        eventually(lambda: program.samples()['collector_history_problems_total{reason="disk_full"}'] >= 1)
        site.count(7)
        eventually(lambda: program.samples()["site_energy_joules_total"] == 7)
        ballast.unlink()
        eventually(lambda: program.samples()["collector_history_up"] == 1)
        site.reach(program, 8)
        rises = site.points(program, "&step=1d&fn=increase")
        assert sum(value for _, value in rises) == 3
        program.stop()
    finally:
        spawn("umount", "-l", site.folder).process.wait()


@pytest.fixture
def disk(site, tmp_path, spawn):
    """The site's folder on a disk of its own, to which commands can be applied; only root can have one."""
    tools = ("mkfs.ext4", "mount", "fsfreeze")
    if os.geteuid() != 0 or not all(map(shutil.which, tools)):
        pytest.skip(f"needs root, {', '.join(tools)}")

    def run(*command):
        return spawn(*command).process.wait()

    site.folder.mkdir()
    image = tmp_path / "disk"
    image.write_bytes(b"")
    os.truncate(image, 16 << 20)
    if run("mkfs.ext4", "-q", image) or run("mount", "-o", "loop", image, site.folder):
        pytest.skip("no disk of its own can be mounted here")
    yield run
    run("fsfreeze", "-u", site.folder)
    run("umount", "-l", site.folder)


def test_a_disk_that_hangs_holds_up_neither_collection_nor_scrapes_and_nothing_is_lost(site, disk, eventually):
    site.count(5)
    program = site.start()
    site.reach(program, 6)
    assert disk("fsfreeze", "-f", site.folder) == 0  # whoever writes to it waits
    for value in (7, 9, 12):
        site.count(value)
        eventually(lambda value=value: program.samples()["site_energy_joules_total"] == value)
    assert program.request("/").status == 200
    assert disk("fsfreeze", "-u", site.folder) == 0
    site.reach(program, 13)
    assert {7, 9, 12, 13} <= {value for _, value in site.points(program)}
    assert sum(value for _, value in site.points(program, "&step=1d&fn=increase")) == 13 - 5
    assert program.samples()["collector_history_dropped_samples_total"] == 0
    program.stop()


def test_a_read_only_disk_is_said_once_and_used_when_it_can_be_written(site, disk, eventually):
    assert disk("mount", "-o", "remount,ro", site.folder) == 0
    site.count(5)
    program = site.start(wait=False)
    eventually(lambda: program.samples().get('collector_history_problems_total{reason="read_only"}') == 1)
    assert program.samples()["collector_history_up"] == 0
    assert program.samples()["site_energy_joules_total"] == 5
    assert disk("mount", "-o", "remount,rw", site.folder) == 0
    eventually(lambda: program.samples()["collector_history_up"] == 1)
    site.reach(program, 8)
    assert sum("history" in line for line in program.lines if "WARNING" in line) == 2
    program.stop()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("history: {flash: 1s}", "history.flash"),
        ("history: {flush: soon}", "history.flush"),
        ("history: {series: ['{']}", "history.series"),
        ("history: {tiers: {raw: 1d, 7m30: 1d}}", "history.tiers"),
        ("history: {max_bytes: -1}", "history.max_bytes"),
        ("history: 7", "history"),
        ("history: no", "neither `off` nor a section"),
    ],
)
def test_wrong_values_are_named_with_their_line(command, tmp_path, text, key):
    file = tmp_path / "config.yaml"
    file.write_text(f"# a comment\n{text}\n")
    result = command("check", "--config", file)
    assert result.returncode == 2
    assert key in result.stderr
    assert "config.yaml:2" in result.stderr
