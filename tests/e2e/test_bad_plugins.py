"""What people see of each bad plugin, and that the good collector beside it goes on as if it were not there."""

import re
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "bad_plugins"
ENVIRONMENT = {"PYTHONPATH": str(FOLDER)}
PLUGINS = sorted(
    line.partition(" ")[0]
    for file in FOLDER.glob("*.dist-info/entry_points.txt")
    for line in file.read_text().splitlines()
    if " = " in line
)
PAUSE = 0.02  # seconds between scrapes
RUNS = 8  # of the good collector, in which the bad one is watched


@dataclass(frozen=True)
class Bad:
    """A plugin; the states that people see it in; its reason and what is said of it; the log lines that is worth."""

    plugin: str
    states: tuple[str, ...]
    reason: str = ""
    says: str = ""
    log: tuple[str, ...] | None = None
    beside: str = "system"

    @property
    def log_lines(self):
        return (self.says,) if self.log is None else self.log

    @property
    def refused(self):
        """Whether `check` finds it."""
        return self.states == ("cannot run",) and self.plugin != "bad_init"


GOOD = ("ok",)
ERROR = ("error",)
CANNOT_RUN = ("cannot run",)
TABLE = [
    Bad("bad_import", CANNOT_RUN, "bad_data", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    Bad("bad_newer", CANNOT_RUN, "bad_data", "needs version 999 of the plugin API"),
    Bad("bad_twice", CANNOT_RUN, "bad_data", "'bad_twice' is claimed by bad-twice-one and by bad-twice-other"),
    Bad("bad_init", CANNOT_RUN, "bad_data", "SystemExit: not on this machine"),
    Bad(
        "bad_clash_twin",
        CANNOT_RUN,
        "bad_data",
        "bad_clash_twin_value is declared differently by bad_clash_twin and bad_clash",
        beside="bad_clash",
    ),
    Bad("bad_clash", GOOD, log=()),
    Bad("bad_open", ERROR, "unreachable", "ConnectionRefusedError: nobody listens (bad_open.py:12)"),
    Bad("bad_second", ("ok", "error"), says="ValueError: even (bad_second.py:16)"),
    Bad("bad_hang", ("timeout",), "timeout", "no answer after 0.2 s (bad_hang.py:14)"),
    Bad("bad_blocking", ("timeout",), "timeout", "no answer after 0.2 s (bad_blocking.py:14)"),
    Bad("bad_busy", ("timeout",), "timeout", "no answer after 0.2 s (bad_busy.py:"),
    Bad(
        "bad_leak",
        ("ok", "partial"),
        says="there are more than max_series = 2000: 1000 series; most of them in bad_leak_value (labels: request)",
    ),
    Bad("bad_undeclared", ERROR, "bad_data", "bad_undeclared_surprise is not declared in this collector's `metrics`"),
    Bad("bad_labels", ERROR, "bad_data", "labels are ['socket'], declared are ['plug'] (bad_labels.py:12)"),
    Bad("bad_nan", ERROR, "bad_data", "bad_nan_value: nan is not a number to publish"),
    Bad("bad_duplicate", ERROR, "bad_data", "was added twice in one run (bad_duplicate.py:13)"),
    Bad(
        "bad_close",
        ERROR,
        "unreachable",
        "ConnectionResetError: hung up (bad_close.py:12)",
        ("ConnectionResetError: hung up (bad_close.py:12)", "close failed: RuntimeError: cannot close"),
    ),
    Bad("bad_exit", ERROR, "bad_data", "SystemExit: enough (bad_exit.py:14)"),
    Bad("bad_cancel", ERROR, "bad_data", "CancelledError (bad_cancel.py:16)"),
    Bad("bad_words", ERROR, "bad_data", "ValueError: no no no no"),
    Bad("bad_task", GOOD, log=("a task of its own failed: SystemExit: enough",)),
    Bad("bad_flood", GOOD, log=("look at",) * 50 + ("more than 50 lines in 10 s: the rest is left out",)),
    Bad("bad_print", GOOD, log=()),
    Bad("bad_thread", GOOD, log=()),
    Bad(
        "bad_text",
        ("partial",),
        log=("kind=huge fails: bad_text_value: label text has 1000000 characters", "kind=not Unicode fails"),
    ),
]


def test_the_table_has_every_bad_plugin():
    assert sorted({bad.plugin for bad in TABLE}) == sorted(set(PLUGINS))


def configuration(bad):
    """Only what hangs has a deadline that a busy machine can miss."""
    timeouts = {"system": "30s", bad.beside: "30s", bad.plugin: "200ms" if "timeout" in bad.states else "30s"}
    lines = [f"  {name}: {{interval: 100ms, timeout: {timeout}}}" for name, timeout in timeouts.items()]
    return "\n".join(["collectors:", *lines, ""])


def families(samples):
    return {name.partition("{")[0] for name in samples if name.startswith("system_")}


def log_lines(program, plugin):
    about = re.compile(rf"(?:collector\.{plugin}:|plugin {plugin}|collector {plugin} cannot be built:) (.*)")
    return [found[1] for line in program.lines if (found := about.search(line))]


def watch(program):
    """Scrape several times for each run of the good collector until it has had its runs; each must show all of it."""
    runs = 'collector_runs_total{collector="system",plugin="system",result="ok"}'
    samples = program.samples()
    while samples[runs] < 2:  # rates need two runs
        time.sleep(PAUSE)
        samples = program.samples()
    complete = families(samples)
    while samples[runs] < RUNS:
        time.sleep(PAUSE)
        samples = program.samples()
        assert families(samples) == complete
        assert samples['collector_up{collector="system",plugin="system"}'] == 1
    return samples


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.plugin)
def test_a_bad_plugin_is_named_with_its_reason_and_harms_no_other(collector, bad):
    program = collector(configuration(bad), env=ENVIRONMENT)
    samples = watch(program)
    rows = program.request("/api/v1/collectors").json["collectors"]
    row = next(row for row in rows if row["name"] == bad.plugin)
    assert row["state"] in bad.states
    assert len(row["error"]) < 1000
    if len(bad.states) == 1:
        assert (row["reason"] or "") == bad.reason
        assert bad.says in row["error"]
        assert_page_tells(program, row)
    assert_metrics_tell(samples, bad)
    assert program.stop() == 0  # all it has written is there then
    assert_log_tells_once(program, bad)


def assert_metrics_tell(samples, bad):
    ids = f'collector="{bad.plugin}",plugin="{bad.plugin}"'
    if bad.reason:
        assert samples[f"collector_up{{{ids}}}"] == 0
        assert samples[f'collector_unavailable_info{{{ids},reason="{bad.reason}"}}'] == 1
    if bad.states != CANNOT_RUN:
        assert all(samples[f'collector_runs_total{{{ids},result="{state}"}}'] for state in bad.states)


def assert_log_tells_once(program, bad):
    lines = log_lines(program, bad.plugin)
    assert len(lines) == len(bad.log_lines)
    for line, wanted in zip(lines, bad.log_lines, strict=True):
        assert wanted in line
        assert len(line) < 1000
    assert "Traceback" not in program.log


def assert_page_tells(program, row):
    html = program.request("/collectors").text
    card = html[html.index(f'id="collector-{row["name"]}"') :].partition("</section>")[0]
    assert row["state"] in card
    assert escape(row["error"]) in card


@pytest.mark.parametrize(
    "bad", [bad for bad in TABLE if bad.beside != "system" or bad.refused], ids=lambda bad: bad.plugin
)
def test_check_finds_what_can_be_found_without_a_run(command, tmp_path, bad):
    (tmp_path / "config.yaml").write_text(configuration(bad))
    done = command("check", "--config", tmp_path / "config.yaml", env=ENVIRONMENT)
    assert done.returncode == 2
    assert re.search(rf"config\.yaml(:\d+)?: collectors\.{bad.plugin}: .*{re.escape(bad.says)}", done.stderr)
    assert "Traceback" not in done.stderr


def test_check_has_nothing_against_the_others(command, tmp_path):
    names = [bad.plugin for bad in TABLE if not bad.refused]
    (tmp_path / "config.yaml").write_text("\n".join(["collectors:", *(f"  {name}:" for name in names), ""]))
    done = command("check", "--config", tmp_path / "config.yaml", env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"good: {len(names)} collectors" in done.stdout


def test_list_names_every_plugin_and_why_some_cannot_be_loaded(command):
    done = command("list", env=ENVIRONMENT)
    assert done.returncode == 1
    for name in PLUGINS:
        assert re.search(rf"^{name} +1\.0 ", done.stdout, re.MULTILINE)
    for bad in TABLE[:2]:
        assert re.search(rf"^{bad.plugin} .* cannot be loaded: .*{re.escape(bad.says)}", done.stdout, re.MULTILINE)
    assert done.stdout.count("cannot be loaded") == 2
    for distribution in ("bad-twice-one", "bad-twice-other"):
        assert re.search(rf"^bad_twice +1\.0 +{distribution} +refused: .*bad-twice-other", done.stdout, re.MULTILINE)


def test_labels_of_all_kinds_arrive_as_they_were(collector):
    program = collector("collectors: {bad_text: {}}", env=ENVIRONMENT)
    samples = program.samples()
    assert r'bad_text_value{text="two\nlines \"quoted\" back\\slash"}' in samples
    assert 'bad_text_value{text="Wärmepumpe 🔥"}' in samples
    assert len([name for name in samples if name.startswith("bad_text_value")]) == 2


def test_what_plugins_print_is_no_part_of_the_exposition(command):
    done = command("once", "bad_print", env=ENVIRONMENT)
    assert "bad_print is here" in done.stderr
    assert "bad_print is here" not in done.stdout
    assert "bad_print_value 1.0" in done.stdout


@pytest.mark.parametrize("arguments", [("once", "bad_thread"), ("once", "bad_hang"), ("once", "bad_task")])
def test_what_goes_on_in_a_plugin_does_not_keep_a_command_from_ending(command, arguments):
    done = command(*arguments, env=ENVIRONMENT, timeout=20)
    assert done.returncode == (1 if "bad_hang" in arguments else 0)
    assert "# TYPE" in done.stdout


def test_once_tells_by_its_exit_code_that_a_collector_could_not_run(command, tmp_path):
    (tmp_path / "config.yaml").write_text("collectors: {system: {}, bad_import: {}}")
    done = command("once", "--gap", "0.1", "--config", tmp_path / "config.yaml", env=ENVIRONMENT)
    assert done.returncode == 1
    assert "system_memory_total_bytes" in done.stdout
    assert 'collector_up{collector="bad_import",plugin="bad_import"} 0.0' in done.stdout


def test_once_names_the_parts_that_are_missing_and_tells_so_by_its_exit_code(command):
    done = command("once", "bad_text", "--log-level", "error", env=ENVIRONMENT)
    assert done.returncode == 1
    assert "bad_text is incomplete: kind=huge, kind=not Unicode" in done.stderr
    assert "bad_text_value" in done.stdout


def test_a_plugin_that_was_broken_runs_after_a_reload_without_it(collector, tmp_path):
    program = collector("collectors: {bad_clash: {}, bad_clash_twin: {}}", env=ENVIRONMENT)
    up = 'collector_up{collector="bad_clash_twin",plugin="bad_clash_twin"}'
    assert program.samples()[up] == 0
    (tmp_path / "config.yaml").write_text("collectors: {bad_clash_twin: {}}")
    assert program.request("/-/reload", method="POST").status == 200
    program.wait_until_ready()
    assert program.samples()[up] == 1
    assert 'bad_clash_twin_value{socket="heater"}' in program.samples()
