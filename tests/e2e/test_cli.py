"""The commands as people type them: what they print, and how they end."""

import json
import re
import signal
import socket
import time

import pytest

HANG = """
import time
from collector_core import Collector, Gauge, hookimpl

class Hang(Collector):
    '''Never answers.'''
    name, metrics, default_timeout = "hang", (Gauge("hang_on", "On."),), 0.2
    def collect(self, out):
        while True:
            time.sleep(3600)

@hookimpl
def collector_types():
    return [Hang]
"""


def test_every_command_explains_itself(command):
    help_text = command("--help").stdout
    for name in ("run", "check", "list", "once", "doctor", "measure", "docs", "new-plugin"):
        assert re.search(rf"^  {name} ", help_text, re.MULTILINE)
        own = command(name, "--help")
        assert own.returncode == 0
        for option in ("--config", "--root", "--log-level", "--log-format"):
            assert option in own.stdout


def test_unknown_commands_and_options_are_usage_errors(command):
    assert command("rum").returncode == 2
    assert command("run", "--lisen", "x").returncode == 2
    assert "address:port" in command("run", "--listen", "x").stderr


TAKES_A_PATH = """
from collector_core import Collector, hookimpl

class Taker(Collector):
    name, metrics = "taker", ()

    def collect(self, out):
        pass

    @hookimpl
    def collector_routes(self):
        from aiohttp import web

        return [web.get("/api/v1/performance/current", lambda request: web.Response())]

@hookimpl
def collector_types():
    return [Taker]
"""


def test_check_names_two_plugins_that_offer_one_path(command, tmp_path, plugin_path):
    file, environment = tmp_path / "config.yaml", plugin_path(taker=TAKES_A_PATH)
    file.write_text("collectors: {performance: {}, taker: {}}\n")
    done = command("check", "--config", file, env=environment)
    assert done.returncode == 2
    assert "/api/v1/performance/current is offered by collector performance and by collector taker" in done.stderr


def test_check_names_two_instances_of_a_plugin_that_offer_one_path(command, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("collectors:\n  performance: {}\n  again: {plugin: performance}\n")
    done = command("check", "--config", file)
    assert done.returncode == 2
    assert "/api/v1/performance/current is offered by collector performance and by collector again" in done.stderr
    file.write_text("collectors:\n  energy: {}\n  again: {plugin: energy, labels: {ledger: again}}\n")
    assert command("check", "--config", file).returncode == 0


def test_check_says_all_that_is_wrong_in_one_go(command, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("listn: x\ncollectors:\n  sistem: {}\n  rapl: {interval: fast}\n")
    done = command("check", "--config", file)
    assert done.returncode == 2
    assert f"{file}:1: listn: unknown key; did you mean 'listen'?" in done.stderr
    assert f"{file}:3: collectors.sistem: there is no plugin named 'sistem'; did you mean 'system'?" in done.stderr
    assert f"{file}:4: collectors.rapl.interval: a duration is a number with a unit" in done.stderr
    assert "Traceback" not in done.stderr
    file.write_text("collectors: {rapl: {interval: 500ms}}")
    done = command("check", "--config", file)
    assert (done.returncode, done.stdout) == (0, "rapl: plugin rapl, every 0.5 s\ngood: 1 collectors\n")


def test_check_says_that_what_fits_will_run_where_no_collectors_are_named(command, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("history: {retention: 30d}\n")
    for options in ((), ("--config", config)):
        done = command("check", *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("good: collectors that fit this machine will run")


def test_list_shows_the_bundled_plugins(command):
    done = command("list")
    assert done.returncode == 0
    assert re.search(r"^rapl +\d+\.\d+\S* +energy-collector +\d+ metrics$", done.stdout, re.MULTILINE)


def test_a_broken_plugin_is_named_by_list_and_doctor(command, plugin_path):
    env = plugin_path(torn="import no_such_module_anywhere")
    for name in ("list", "doctor"):
        done = command(name, env=env)
        assert done.returncode == 1
        assert "No module named 'no_such_module_anywhere'" in done.stdout
        assert "system" in done.stdout


def test_once_prints_an_exposition_with_rates(command):
    done = command("once", "system", "--gap", "0.3")
    assert done.returncode == 0
    assert re.search(r"^system_cpu_usage_ratio [0-9.e-]+$", done.stdout, re.MULTILINE)
    assert "# TYPE system_memory_total_bytes gauge" in done.stdout


def test_once_with_a_timeline_that_nobody_has_configured_says_so_before_anything_runs(command):
    done = command("once", "--timeline", "--gap", "60")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "energy-collector: --timeline needs a timeline in `outputs:` of the configuration\n"


def test_once_with_an_unknown_name_suggests_one(command):
    done = command("once", "sistem")
    assert done.returncode == 2
    assert "did you mean 'system'?" in done.stderr


def test_a_plugin_under_a_bundled_name_is_refused_and_the_bundled_one_runs(command, collector, plugin_path):
    env = plugin_path(system=HANG)
    listed = command("list", env=env)
    assert re.search(r"^system +\S+ +energy-collector +\d+ metrics$", listed.stdout, re.MULTILINE)
    assert re.search(r"^system +1\.0 +collector-system +refused: .* energy-collector", listed.stdout, re.MULTILINE)
    assert listed.returncode == 1
    doctor = command("doctor", env=env)
    assert re.search(r"^ready +system: ", doctor.stdout, re.MULTILINE)
    assert re.search(r"^refused system: .*\n +fix: pip uninstall collector-system$", doctor.stdout, re.MULTILINE)
    program = collector("collectors: {system: {interval: 100ms}}", env=env)
    samples = program.samples()
    assert samples['collector_up{collector="system",plugin="system"}'] == 1
    assert samples['collector_plugin_loaded{plugin="system"}'] == 1
    assert "plugin system (collector-system) refused: " in program.log


def health_of(text):
    """Names of the collectors and plugins that the program speaks of in `collector_*`."""
    lines = re.findall(r"^collector_\w+\{(.*)\} \S+$", text, re.MULTILINE)
    return {name for line in lines for name in re.findall(r'\b(?:collector|plugin)="([^"]*)"', line)}


def test_once_prints_the_health_of_what_was_asked_for_alone(command, tmp_path, plugin_path):
    env = plugin_path(torn="import no_such_module_anywhere")
    assert health_of(command("once", "system", "--gap", "0.1", env=env).stdout) == {"system"}
    config = tmp_path / "config.yaml"
    config.write_text("collectors: {system: {}, here: {plugin: system, labels: {a: b}}, estimate: {}, torn: {}}")
    assert health_of(command("once", "here", "--gap", "0.1", "--config", config, env=env).stdout) == {"here", "system"}
    assert health_of(command("once", "--gap", "0.1", "--config", config, env=env).stdout) == {
        "estimate",
        "here",
        "system",
        "torn",
    }


def test_once_prints_no_health_of_those_that_ran_to_help(command, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("collectors: {energy: {}, estimate: {options: {tdp_watts: 65}}}")
    done = command("once", "energy", "--gap", "0.3", "--config", config)
    assert health_of(done.stdout) == {"energy"}
    assert re.search(r'^energy_power_watts\{component="cpu".*method="model"\} \d', done.stdout, re.MULTILINE)


def test_once_gives_up_a_collector_that_hangs(command, plugin_path):
    done = command("once", "hang", env=plugin_path(hang=HANG))
    assert done.returncode == 1
    assert 'collector_runs_total{collector="hang",plugin="hang",result="timeout"} 1.0' in done.stdout


def test_doctor_says_why_there_is_no_rapl_and_what_there_is(command, tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nflags\t\t: fpu hypervisor\n")
    done = command("doctor", "--root", tmp_path)
    assert "this is a virtual machine, which hides RAPL" in done.stdout
    assert "fix: run energy-collector on the host" in done.stdout
    done = command("doctor")
    assert re.search(r"^ready +system: \d+ series of \d+ metrics$", done.stdout, re.MULTILINE)


def test_docs_are_up_to_date(command):
    assert command("docs", "--check").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_the_service_with_0(collector, number):
    program = collector()
    program.signal(number)
    assert program.process.wait(60) == 0
    assert "stopping" in program.log


def test_a_hung_plugin_does_not_delay_the_end(collector, plugin_path):
    program = collector("collectors: {hang: {}, system: {interval: 100ms}}", env=plugin_path(hang=HANG))
    assert program.stop() == 0  # the plugin would hang for an hour
    assert "timeout: no answer after 0.2 s" in program.log


def test_a_second_signal_ends_it_at_once(collector, plugin_path):
    program = collector("collectors: {hang: {}}", env=plugin_path(hang=HANG))
    program.signal(signal.SIGTERM)
    time.sleep(0.3)
    program.signal(signal.SIGTERM)
    assert program.process.wait(60) in (0, 1)


def test_sighup_reloads_and_a_bad_file_changes_nothing(collector, tmp_path, eventually):
    program = collector("collectors: {system: {interval: 100ms}}")
    file = tmp_path / "config.yaml"
    file.write_text("collectors: {system: {intervall: 1s}}")
    program.signal(signal.SIGHUP)
    eventually(lambda: program.samples()["collector_config_reload_success"] == 0)
    problem = f"{file}:1: collectors.system.intervall: unknown key; did you mean 'interval'?"
    eventually(lambda: problem in program.log)  # written after the metric, and read by a thread of its own
    assert any(name.startswith("system_") for name in program.samples())
    file.write_text("collectors: {}")
    program.signal(signal.SIGHUP)
    eventually(lambda: program.samples()["collector_config_reload_success"] == 1)
    assert not any(name.startswith("system_") for name in program.samples())


@pytest.fixture
def refused(command):
    def refused(*arguments):
        done = command("run", *arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        return done.stderr.strip()

    return refused


def test_a_port_in_use_is_one_clear_line(refused):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused("--listen", f"127.0.0.1:{port}")
    assert message.startswith(f"energy-collector: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (b"listen: \xff\n", "not UTF-8"),
        (b"a: &x 1\nb: *x\n", "aliases"),
        (b"web_config: missing.yml\n", "missing.yml: cannot be read: No such file or directory"),
        (b"web_config: .\n", "Is a directory"),
    ],
)
def test_an_unusable_configuration_is_one_clear_line(refused, tmp_path, content, message):
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_bytes(content)
    said = refused("--config", file)
    assert message in said
    assert said.startswith("energy-collector: ")


def test_a_bad_certificate_is_one_clear_line(refused, tmp_path):
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: cert.pem, key_file: key.pem}")
    (tmp_path / "cert.pem").write_text("junk")
    (tmp_path / "key.pem").write_text("junk")
    (tmp_path / "config.yaml").write_text("web_config: web.yml")
    said = refused("--config", tmp_path / "config.yaml")
    assert "tls_server_config.cert_file" in said


def test_json_logs_are_json(collector):
    program = collector(None, "--log-format", "json")
    program.stop()
    entries = [json.loads(line) for line in program.lines]
    assert any("listening on http://127.0.0.1" in entry["message"] for entry in entries)
    assert {"time", "level", "logger", "message"} <= entries[0].keys()
