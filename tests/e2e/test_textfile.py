"""Files of other programs end up on /metrics of the real program, in a form that promtool accepts."""

import os
import subprocess

import pytest

GOOD = """\
# HELP backup_duration_seconds How long backups take.
# TYPE backup_duration_seconds histogram
backup_duration_seconds_bucket{le="60"} 1
backup_duration_seconds_bucket{le="+Inf"} 3
backup_duration_seconds_sum 642.5
backup_duration_seconds_count 3
# HELP backup_runs_total Backups.
# TYPE backup_runs_total counter
backup_runs_total{target="nas"} 3
"""
CONFIG = """
collectors:
  textfile:
    interval: 100ms
    labels: {{site: lab}}
    options: {{directories: ["{folder}/*"]}}
"""


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.write_text(text)
    new.rename(file)


def test_files_come_and_go_and_promtool_has_nothing_to_say(collector, require, eventually, tmp_path):
    folder = tmp_path / "textfile"
    good, bad = folder / "cron" / "backup.prom", folder / "cron" / "bad.prom"
    write(good, GOOD)
    write(bad, "broken\n")
    os.mkfifo(folder / "cron" / "pipe.prom")
    program = collector(CONFIG.format(folder=folder))
    runs = 'backup_runs_total{site="lab",target="nas"}'
    valid = f'textfile_file_valid{{file="{bad}",site="lab"}}'
    eventually(lambda: program.samples().get(runs) == 3)
    samples = program.samples()
    assert samples['backup_duration_seconds_bucket{le="+Inf",site="lab"}'] == 3
    assert samples[valid] == 0
    mtime = samples[f'textfile_mtime_seconds{{file="{good}",site="lab"}}']
    assert mtime == pytest.approx(good.stat().st_mtime, abs=1e-6)
    openmetrics = program.request("/metrics", Accept="application/openmetrics-text").text
    assert "# TYPE backup_runs counter\n" + runs in openmetrics
    write(good, GOOD.replace("} 3\n", "} 4\n"))
    eventually(lambda: program.samples()[runs] == 4)
    write(bad, "# HELP mended Good now.\n# TYPE mended gauge\nmended 1\n")
    eventually(lambda: program.samples().get('mended{site="lab"}') == 1)
    assert program.samples()[valid] == 1
    bad.unlink()
    eventually(lambda: 'mended{site="lab"}' not in program.samples())
    assert program.log.count("bad.prom fails: line 1: cannot read 'broken'") == 1
    assert program.log.count("pipe.prom fails: is not a regular file") == 1
    lint = [require("promtool"), "check", "metrics"]
    done = subprocess.run(lint, input=program.request("/metrics").body, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    shown = program.request("/api/v1/snapshot").json["collectors"]["textfile"]["backup_runs_total"]
    assert shown["series"] == [{"labels": {"site": "lab", "target": "nas"}, "value": 4.0}]
    assert "backup_duration_seconds_bucket" in program.request("/collectors").text


def test_without_a_folder_the_page_says_what_to_do(command):
    done = command("once", "textfile")
    assert done.returncode == 1
    assert "no folder is configured" in done.stderr
    assert "directories" in done.stderr
