"""Files come, change, break and go; one of them never hides the others."""

import logging
import os
import socket

import pytest
from pydantic import ValidationError

from collector_core import NotAvailable
from collector_core.testing import assert_plugin_contract
from collector_plugins.textfile import MTIME, VALID, Textfile, promfile
from collector_plugins.textfile.promfile import MAX_FILE_BYTES


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "textfile"
    made.mkdir()
    return made


@pytest.fixture
def run(collector_harness, folder):
    """Runs the collector on the folder, or on others; returns the lines of /metrics without comments."""
    made = {}

    def run(*directories):
        directories = directories or (str(folder),)
        harness = made.setdefault(directories, None) or collector_harness(Textfile, directories=list(directories))
        made[directories] = run.harness = harness
        harness.run()
        return [line for line in harness.exposition().splitlines() if not line.startswith(("#", "textfile_"))]

    return run


def failures(run):
    return {failure.name: str(failure.error) for failure in run.harness.part_failures}


def test_the_contract(tmp_path):
    assert_plugin_contract(Textfile, tmp_path)


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(run, folder, monkeypatch):
    parsed = []
    parse = promfile.parse
    monkeypatch.setattr(promfile, "parse", lambda data: parsed.append(data) or parse(data))
    (folder / "a.prom").write_text("a 1\n")
    (folder / "b.prom").write_text("b\n")
    for _ in range(3):
        assert run() == ["a 1.0"]
        assert list(failures(run)) == [f"file={folder / 'b.prom'}"]
    assert len(parsed) == 2
    os.utime(folder / "a.prom", (1, 1))
    run()
    (folder / "a.prom").write_text("a 12\n")
    assert run() == ["a 12.0"]
    new = folder / "a.prom.new"
    new.write_text("a 13\n")
    os.utime(new, ns=((folder / "a.prom").stat().st_mtime_ns,) * 2)
    new.rename(folder / "a.prom")
    assert run() == ["a 13.0"]
    assert len(parsed) == 5


def test_a_file_that_goes_takes_its_series_along(run, folder):
    (folder / "a.prom").write_text("a 1\n")
    (folder / "b.prom").write_text("b 1\n")
    os.utime(folder / "b.prom", (1_700_000_000.5,) * 2)
    assert run() == ["a 1.0", "b 1.0"]
    (folder / "a.prom").unlink()
    assert run() == ["b 1.0"]
    assert run.harness.series(MTIME) == {(str(folder / "b.prom"),): 1_700_000_000.5}
    assert run.harness.series(VALID) == {(str(folder / "b.prom"),): 1.0}


def test_a_file_that_goes_between_listing_and_reading_is_no_failure(run, folder, monkeypatch):
    (folder / "a.prom").write_text("a 1\n")
    gone = folder / "gone.prom"
    monkeypatch.setattr(
        "collector_plugins.textfile.folders.prom_files", lambda folder: [folder / "a.prom", folder / "gone.prom"]
    )
    assert run() == ["a 1.0"]
    assert failures(run) == {}
    gone.symlink_to("nowhere")
    assert run() == ["a 1.0"]
    assert list(failures(run)) == [f"file={gone}"]


def test_a_file_that_is_mended_comes_back(run, folder):
    file = folder / "a.prom"
    file.write_text("a 1\nb 2")
    assert run() == []
    assert run.harness.series(VALID) == {(str(file),): 0.0}
    assert run.harness.series(MTIME) == {}
    file.write_text("a 1\nb 2\n")
    assert run() == ["a 1.0", "b 2.0"]
    assert run.harness.series(VALID) == {(str(file),): 1.0}


def test_a_file_that_was_away_and_comes_back_unchanged_is_shown_again(run, folder):
    file, aside = folder / "a.prom", folder / "aside"
    file.write_text("a 1\n")
    assert run() == ["a 1.0"]
    file.rename(aside)
    file.symlink_to("nowhere")
    assert run() == []
    aside.rename(file)
    assert run() == ["a 1.0"]


def test_the_help_of_a_file_that_broke_is_forgotten(run, folder):
    (folder / "a.prom").write_text('# HELP a First.\na{f="1"} 1\n')
    (folder / "b.prom").write_text('# HELP a Second.\na{f="2"} 1\n')
    run()
    assert "# HELP a First.\n" in run.harness.exposition()
    (folder / "a.prom").write_text("broken\n")
    run()
    assert "# HELP a Second.\n" in run.harness.exposition()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "device"])
def test_what_is_no_file_is_refused_without_waiting(run, folder, kind):
    path = folder / "a.prom"
    (folder / "b.prom").write_text("b 1\n")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.relpath(path))
        listener.close()
    assert run() == ["b 1.0"]
    assert failures(run) == {f"file={path}": "is not a regular file"}


@pytest.mark.timeout(20)
def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(run, folder, monkeypatch):
    file = folder / "a.prom"
    file.write_text("a 1\n")
    really_open = os.open

    def swap_and_open(path, flags, *rest):
        if str(path) == str(file):
            file.unlink()
            os.mkfifo(file)
        return really_open(path, flags, *rest)

    monkeypatch.setattr(os, "open", swap_and_open)
    assert run() == []
    assert failures(run) == {f"file={file}": "is not a regular file"}


def test_a_file_that_is_too_large_is_refused(run, folder):
    line = b"# " + b"x" * 97 + b"\n"
    (folder / "a.prom").write_bytes(line * (MAX_FILE_BYTES // 100 + 1))
    (folder / "b.prom").write_bytes(line * (MAX_FILE_BYTES // 100) + b"b 1\n")
    assert run() == ["b 1.0"]
    (error,) = failures(run).values()
    assert f"{MAX_FILE_BYTES} at most" in error


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_be_read_now_is_read(run, folder):
    file = folder / "a.prom"
    file.write_text("a 1\n")
    file.chmod(0)
    assert run() == []
    file.chmod(0o600)
    assert run() == ["a 1.0"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a 1\n".encode("utf-16"), "line 1: is UTF-16: save the text as UTF-8"),
        ("# TYPE a gauge\r\na 1\r\n".encode("utf-16"), "line 1: is UTF-16"),
        ("a 1\n".encode("utf-16-be"), "line 1: is UTF-16"),
        ("\ufeffa 1\n".encode(), "line 1: begins with a byte order mark"),
        ('a{b="é"} 1\n'.encode("latin-1"), "line 1: is not UTF-8"),
        (b"<html></html>\n", "line 1: is HTML"),
        (b'{"a": 1}\n', "line 1: is JSON"),
        (b"a 1", "is the file still being written?"),
    ],
)
def test_a_file_in_another_encoding_or_format_is_named_with_the_remedy(run, folder, content, problem):
    (folder / "odd.prom").write_bytes(content)
    (folder / "good.prom").write_bytes(b" b 2\r\n")
    assert run() == ["b 2.0"]
    assert problem in failures(run)[f"file={folder / 'odd.prom'}"]


def test_names_in_quotes_exemplars_and_native_histograms(run, folder):
    (folder / "new.prom").write_text(
        '# TYPE "boiler.heat" gauge\n{"boiler.heat", "room.name"="a"} 1\n'
        '# TYPE c counter\nc_total 5 # {trace_id="x"} 1 1760000000.5\n'
        "# TYPE h histogram\nh {count:2,sum:3,schema:0,zero_threshold:0,zero_count:0}\n"
    )
    assert run() == ['boiler_heat{room_name="a"} 1.0', "c_total 5.0"]
    assert failures(run) == {}


def test_two_files_whose_names_look_alike_leave_the_others(run, folder):
    for name in (b"x\x1b.prom", b"x\\x1b.prom"):
        (folder / os.fsdecode(name)).write_bytes(b"a 1\n")
    (folder / "z.prom").write_text("b 2\n")
    assert "b 2.0" in run()
    assert run.harness.value(VALID, file=str(folder / "z.prom")) == 1


def test_names_that_are_not_utf_8_or_very_long_are_labels(run, folder):
    (folder / os.fsdecode(b"caf\xe9.prom")).write_text("a 1\n")
    deep = folder / "/".join(["d" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "b.prom").write_text("b 1\n")
    assert run(str(folder), str(deep)) == ["a 1.0", "b 1.0"]
    first, second = sorted(file for (file,) in run.harness.series(VALID))
    assert first.endswith("/caf\\xe9.prom")
    assert second.startswith("\u2026d")
    assert second.endswith("/b.prom")


def test_a_file_that_clashes_is_left_out_and_both_are_named(run, folder):
    (folder / "a.prom").write_text("# TYPE a gauge\na 1\n")
    (folder / "b.prom").write_text("# TYPE a untyped\nb 1\na 2\n")
    (folder / "c.prom").write_text("textfile_mtime_seconds 1\n")
    assert run() == ["a 1.0"]
    named = failures(run)
    assert "a (unknown) and a (gauge) of the same run" in named[f"file={folder / 'b.prom'}"]
    assert "which this collector declares" in named[f"file={folder / 'c.prom'}"]


def test_another_help_text_is_said_once(run, folder, caplog):
    (folder / "a.prom").write_text('a{f="1"} 1\n')
    (folder / "b.prom").write_text('# HELP a First.\na{f="2"} 1\n')
    (folder / "c.prom").write_text('# HELP a Second.\na{f="3"} 1\n')
    for _ in range(3):
        assert len(run()) == 3
    assert "# HELP a First.\n" in run.harness.exposition()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"{folder / 'c.prom'}: its help of a is not that of another file" in caplog.text


def test_folders_may_be_patterns(run, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "metrics").mkdir(parents=True)
        (tmp_path / name / "metrics" / "a.prom").write_text(f"{name} 1\n")
    assert run(f"{tmp_path}/*/metrics", f"{tmp_path}/one/metrics/") == ["one 1.0", "two 1.0"]


def test_a_folder_that_is_missing_does_not_hide_the_others(run, folder, tmp_path):
    (folder / "a.prom").write_text("a 1\n")
    assert run(str(tmp_path / "none"), str(folder)) == ["a 1.0"]
    assert list(failures(run)) == [f"directory={tmp_path / 'none'}"]


@pytest.mark.parametrize(
    ("directories", "detail", "fix"),
    [
        ([], "no folder is configured", "directories"),
        (["/nowhere/textfile"], "/nowhere/textfile", "sudo mkdir -p /nowhere/textfile"),
        (["/nowhere/*"], "no folder matches /nowhere/*", "change the pattern"),
    ],
)
def test_without_a_folder_it_is_not_available(collector_harness, directories, detail, fix):
    harness = collector_harness(Textfile, directories=directories)
    with pytest.raises(NotAvailable) as refused:
        harness.run()
    assert refused.value.reason == "not_found"
    assert detail in refused.value.detail
    assert fix in refused.value.fix


def test_a_folder_must_be_an_absolute_path():
    with pytest.raises(ValidationError, match="must be an absolute path"):
        Textfile.config_type(directories=["textfile"])
