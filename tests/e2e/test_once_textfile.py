"""`once --textfile`: node_exporter finds a whole file, the old one or the new one."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

CONFIG = "collectors:\n  system: {}\n"
OLD = "old_value 1\n"


@pytest.fixture
def once(command, tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG)

    def once(file, *arguments, **options):
        return command("once", "--config", tmp_path / "config.yaml", "--textfile", file, *arguments, **options)

    return once


def test_the_file_is_written_for_all_to_read_and_nothing_on_stdout(once, tmp_path):
    file = tmp_path / "energy.prom"
    file.write_text(OLD)
    done = once(file, prefix=("sh", "-c", 'umask 077; exec "$@"', "sh"))
    assert (done.returncode, done.stdout) == (0, "")
    assert "system_memory_total_bytes " in file.read_text()
    assert OLD not in file.read_text()
    assert oct(file.stat().st_mode & 0o777) == "0o644"
    assert [each.name for each in tmp_path.iterdir() if "energy" in each.name] == ["energy.prom"]


def test_what_cannot_be_written_leaves_the_old_file_and_fails(once, tmp_path):
    file = tmp_path / "energy.prom"
    file.write_text(OLD)
    done = once(file, prefix=("sh", "-c", 'ulimit -f 0; exec "$@"', "sh"))
    assert done.returncode == 1
    assert "cannot be written: File too large; an existing file is left unchanged" in done.stderr
    assert file.read_text() == OLD
    assert [each.name for each in tmp_path.iterdir() if "energy" in each.name] == ["energy.prom"]
    done = once(tmp_path / "nowhere" / "energy.prom")
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr


def test_a_bad_configuration_leaves_the_old_file(once, tmp_path):
    file = tmp_path / "energy.prom"
    file.write_text(OLD)
    (tmp_path / "config.yaml").write_text("collectors: {systm: {}}")
    assert once(file).returncode == 2
    assert file.read_text() == OLD


def test_a_collector_without_data_is_told_in_the_file_and_by_the_exit_code(once, tmp_path):
    """Old watts that look like new ones would be worse than none."""
    file = tmp_path / "energy.prom"
    (tmp_path / "config.yaml").write_text("collectors: {system: {}, rapl: {}}")
    (tmp_path / "root/proc").mkdir(parents=True)
    done = once(file, "--root", tmp_path / "root")
    assert done.returncode == 1
    assert 'collector_up{collector="rapl",plugin="rapl"} 0' in file.read_text()


def test_killed_while_it_writes_it_leaves_the_old_file_and_the_next_run_recovers(once, tmp_path):
    file = tmp_path / "energy.prom"
    file.write_text(OLD)
    killed = (
        "import os, signal, pathlib, sys; from collector_core.storage import write_atomically;"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL);"
        "write_atomically(pathlib.Path(sys.argv[1]), b'new_value 2')"
    )
    done = subprocess.run([sys.executable, "-c", killed, file], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert file.read_text() == OLD
    (left_over,) = tmp_path.glob(".energy.prom.*.new")
    assert left_over.read_text() == "new_value 2"
    assert once(file).returncode == 0
    assert "system_memory_total_bytes " in file.read_text()
    assert not left_over.exists()


def test_node_exporter_shows_it_without_complaint(once, require, spawn, free_port, eventually, tmp_path):
    folder = tmp_path / "textfile"
    folder.mkdir()
    once(folder / "energy.prom")
    port = free_port()
    program = require("prometheus-node-exporter")
    spawn(
        program, f"--collector.textfile.directory={folder}", "--collector.disable-defaults", "--collector.textfile",
        f"--web.listen-address=127.0.0.1:{port}",
    )  # fmt: skip

    def scrape():
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        except OSError:
            return ""

    eventually(lambda: "node_textfile_scrape_error" in scrape())
    text = scrape()
    assert "node_textfile_scrape_error 0" in text
    assert "system_memory_total_bytes " in text
