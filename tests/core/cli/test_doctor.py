"""`doctor` judges what runs by a run, and says of the rest how to make it run."""

import re

import pytest
from click.testing import CliRunner

from collector_core import _speed
from collector_core.cli.group import cli

pytestmark = pytest.mark.usefixtures("logging_as_it_was")

LAMP = """
from collector_core import Collector, CollectorConfig, Field, Gauge, NotAvailable, hookimpl

class Config(CollectorConfig):
    room: str = Field(description="Where it hangs.")
    colour: str = Field("white", description="Its colour.")
    bulbs: int = Field(description="How many it has.")

class Lamp(Collector[Config]):
    name, metrics, config_type = "lamp", (Gauge("lamp_on", "On."),), Config
    def collect(self, out):
        if self.config.room == "cellar":
            raise NotAvailable("unreachable", "the cellar is locked", fix="fetch the key")
        if self.config.room == "safe":
            raise NotAvailable("permission", "the safe is locked", fix="ask the owner")
        out.add(self.metrics[0], 1)

@hookimpl
def collector_types():
    return [Lamp]
"""
DETECTED = LAMP.replace("    def collect(", "    detect = classmethod(lambda cls, ctx: None)\n    def collect(")
UNBUILDABLE = LAMP.replace(
    "    def collect(", "    def __init__(self, *_):\n        raise OSError('no')\n    def collect("
)
UNDEMANDING = LAMP.replace("room: str = Field(", "room: str = Field('hall', ").replace(
    "int = Field(", "int = Field(1, "
)


@pytest.fixture
def doctor(tmp_path):
    """Runs `doctor` on a machine without anything; returns what it says and its exit code."""

    def run(config=None):
        (tmp_path / "root").mkdir(exist_ok=True)
        arguments = ["doctor", "--root", str(tmp_path / "root")]
        if config is not None:
            file = tmp_path / "config.yaml"
            file.write_text(config)
            arguments += ["--config", str(file)]
        done = CliRunner().invoke(cli, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return done.stdout, done.exit_code

    return run


def says(output, word, name, text, fix=""):
    """Whether there is a line that says this of a collector, with the fix below it."""
    pattern = rf"^{word} +{name}: {text}$" + (rf"\n +fix: {re.escape(fix)}$" if fix else r"(?!\n +fix)")
    return re.search(pattern, output, re.MULTILINE) is not None


def test_a_collector_that_the_file_names_is_judged_by_a_run(install, doctor):
    install("lamp", LAMP)
    output, code = doctor("collectors: {lamp: {options: {room: hall, bulbs: 1}}}")
    assert says(output, "ready", "lamp", "1 series of 1 metrics")
    assert output.count(" lamp: ") == 1
    assert code == 0, output


def test_every_instance_that_the_file_names_is_judged_by_its_own_run(install, doctor):
    install("lamp", LAMP)
    output, code = doctor(
        """
        collectors:
          hall: {plugin: lamp, options: {room: hall, bulbs: 1}, labels: {at: hall}}
          cellar: {plugin: lamp, options: {room: cellar, bulbs: 1}, labels: {at: cellar}}
          safe: {plugin: lamp, options: {room: safe, bulbs: 1}, labels: {at: safe}}
        """
    )
    assert says(output, "ready", "hall", "1 series of 1 metrics")
    assert says(output, "fails", "cellar", "the cellar is locked", fix="fetch the key")
    assert says(output, "closed", "safe", "the safe is locked", fix="ask the owner")
    assert " lamp: " not in output
    assert code == 1


def test_bundled_plugins_that_the_file_names_are_not_called_absent(doctor):
    output, code = doctor("collectors: {anomaly: {options: {history_days: 0}}, inference: {}}")
    assert says(output, "ready", "anomaly", ".*")
    assert re.search(r"^fails +inference: ", output, re.MULTILINE)
    assert re.search(r"^absent +alerts: ", output, re.MULTILINE)
    assert code == 1


def test_what_cannot_run_fails_and_the_others_are_judged(install, doctor):
    install("broken", UNBUILDABLE.replace("lamp", "broken"))
    install("lamp", LAMP)
    install("torn", "import no_such_module_anywhere")
    options = "options: {room: hall, bulbs: 1}"
    output, code = doctor(f"collectors: {{broken: {{{options}}}, torn: {{}}, lamp: {{{options}}}}}")
    assert says(output, "fails", "broken", "OSError: no")
    assert says(output, "fails", "torn", "ModuleNotFoundError: .*", fix="pip install --upgrade collector-torn")
    assert says(output, "ready", "lamp", ".*")
    assert output.count("no_such_module_anywhere") == 1
    assert code == 1


@pytest.mark.parametrize("config", [None, "collectors: {}"])
@pytest.mark.parametrize("code", [LAMP, DETECTED], ids=["default", "detected"])
def test_the_fix_for_a_plugin_with_required_options_names_them(install, doctor, code, config):
    install("lamp", code)
    output, _ = doctor(config)
    assert says(output, "absent", "lamp", ".*", fix="add `lamp: {options: {room: …, bulbs: …}}` to `collectors:`")


def test_the_fix_for_a_plugin_without_required_options_names_none(install, doctor):
    install("lamp", UNDEMANDING)
    output, _ = doctor()
    assert says(output, "absent", "lamp", ".*", fix="add `lamp: {}` to `collectors:`")


def test_what_a_device_calls_itself_moves_no_cursor(install, doctor):
    install("lamp", LAMP.replace("the cellar is locked", "the \\x1b[2Jcellar is locked"))
    text, _ = doctor("collectors: {lamp: {options: {room: cellar, bulbs: 1}}}")
    assert says(text, "fails", "lamp", r"the \\x1b\[2Jcellar is locked", "fetch the key")


def test_it_says_whether_the_compiled_part_runs(doctor, monkeypatch):
    monkeypatch.setattr(_speed, "problem", "")
    assert says(doctor("collectors: {}")[0], "ready", "speed", "the compiled part .*")
    monkeypatch.setattr(_speed, "problem", "there is no compiler")
    monkeypatch.setattr(_speed, "fix", "install one")
    output, code = doctor("collectors: {}")
    assert says(output, "absent", "speed", "Python does all the work: there is no compiler", "install one")
    assert code == 0
