"""What plugins' commands work with."""

from pathlib import Path
from types import ModuleType, SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from collector_core import AuthFailed, CommandContext, NotAvailable, ResultFile, Sample, hookimpl
from collector_core.cli import plugin_commands as plugins
from collector_core.cli.group import cli
from collector_core.engine.app import App
from collector_core.errors import StartupError
from collector_core.plugins.discovery import Plugin, Plugins

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


@pytest.fixture
def context(probe, instance):
    """A context with one collector, and the script that it follows."""
    cls, script = probe
    app = App(root=Path("/host"))
    runner = app.add(instance(cls))
    program = SimpleNamespace(root=app.root, clock=app.clock, find={"probe": runner}.__getitem__)
    yield SimpleNamespace(command=CommandContext(program), script=script)
    app.stop(0.5)


def test_it_reads_a_collector_now(context):
    assert context.command.read("probe") == [Sample("probe_power_watts", {"plug": "a"}, 1.0)]
    assert context.command.read("probe")
    assert context.script.calls == ["open", "collect", "collect"]


def test_what_is_missing_and_what_fixes_it_is_said(context):
    def collect(out):
        raise NotAvailable("permission", "it is locked", fix="unlock it")

    context.script.collect = collect
    with pytest.raises(NotAvailable, match="probe: it is locked") as caught:
        context.command.read("probe")
    assert (caught.value.reason, caught.value.fix) == ("permission", "unlock it")


def test_it_knows_the_configured_root(context):
    assert context.command.path("/proc/stat") == Path("/host/proc/stat")


def test_it_reads_a_collector_before_it_asks_for_its_energy_meters(context):
    assert list(context.command.energy_meters("probe")) == []
    assert context.script.calls == ["open", "collect"]

    def collect(out):
        raise NotAvailable("permission", "it is locked")

    context.script.collect = collect
    with pytest.raises(NotAvailable, match="probe: it is locked"):
        context.command.energy_meters("probe")


def test_a_result_is_written_with_the_folders_above_it(tmp_path):
    file = ResultFile(tmp_path / "a/b/model.json", replace=False)
    assert not file.path.parent.exists()
    file.write("{}")
    assert file.path.read_text() == "{}"
    assert list(file.path.parent.iterdir()) == [file.path]


def test_a_result_that_is_there_is_replaced_only_if_asked(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("old")
    with pytest.raises(NotAvailable, match="already exists") as caught:
        ResultFile(path, replace=False)
    assert "--force" in caught.value.fix
    ResultFile(path, replace=True).write("new")
    assert path.read_text() == "new"


def test_a_place_where_nothing_may_be_written_is_named_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAvailable, match=r"model\.json cannot be written: .*/file is not a writable folder"):
        ResultFile(tmp_path / "file/model.json", replace=False)


def test_a_place_that_went_meanwhile_is_named(tmp_path):
    file = ResultFile(tmp_path / "new/model.json", replace=False)
    (tmp_path / "new").write_text("")
    with pytest.raises(NotAvailable, match=r"model\.json cannot be written: File exists"):
        file.write("{}")


def test_it_knows_the_options_of_a_collector(context):
    assert context.command.options("probe").model_dump() == {}


# Groups of a plugin's own


def _plugin(**commands):
    @hookimpl
    def collector_commands(subcommands):
        for name, function in commands.items():
            subcommands.add_own(name, function)

    return SimpleNamespace(collector_commands=collector_commands)


@pytest.fixture
def installed(monkeypatch):
    """Plugins by name that are installed, and which of them were loaded."""
    loaded = []
    modules = {}

    def discovered(names=None):
        loaded.extend(names or modules)
        return Plugins([Plugin(name, name, "1", module=modules[name]) for name in names or modules])

    def module(**commands):
        made = ModuleType("made")
        made.collector_commands = _plugin(**commands).collector_commands
        return made

    monkeypatch.setattr(plugins, "discover", discovered)
    monkeypatch.setattr(plugins, "entry_point_names", lambda: sorted(modules))
    return SimpleNamespace(modules=modules, loaded=loaded, module=module)


def run(*arguments):
    return CliRunner().invoke(cli, arguments)


def test_a_plugin_may_own_commands_below_its_name(installed):
    @click.option("--loud", is_flag=True)
    def ring(context, *, loud):
        """Ring the bell."""
        click.echo(f"ringing {'loudly' if loud else 'softly'} below {context.path('/bell')}")

    installed.modules.update(bell=installed.module(ring=ring), other=installed.module())
    done = run("bell", "ring", "--loud", "--root", "/")
    assert (done.exit_code, done.output) == (0, "ringing loudly below /bell\n")
    assert installed.loaded == ["bell"], "no other plugin is loaded"
    assert "Ring the bell." in run("bell", "--help").output


def test_no_plugin_is_loaded_for_what_is_ours(installed):
    installed.modules.update(check=installed.module(ring=lambda context: None))
    run("--help")
    run("check", "--help")
    assert installed.loaded == []


@pytest.mark.parametrize("name", ["bell", "nobody"])
def test_a_plugin_without_commands_and_no_plugin_are_no_command(installed, name):
    installed.modules.update(bell=installed.module())
    done = run(name)
    assert done.exit_code == 2
    assert f"No such command {name!r}" in done.output


@pytest.mark.parametrize(
    "error", [NotAvailable("auth", "refused", fix="ring twice"), AuthFailed("refused", fix="ring twice")]
)
def test_what_a_command_cannot_do_is_one_line_with_its_fix(installed, error):
    def ring(context):
        raise error

    installed.modules.update(bell=installed.module(ring=ring))
    done = run("bell", "ring")
    assert done.exit_code == 1
    assert done.output == "energy-collector: refused; fix: ring twice\n"


def test_a_plugin_that_cannot_add_its_commands_is_named(installed):
    def collector_commands(subcommands):
        raise ValueError("no bell")

    module = ModuleType("made")
    module.collector_commands = hookimpl(collector_commands)
    installed.modules.update(bell=module)
    done = run("bell", "ring")
    assert isinstance(done.exception, StartupError)
    assert "'bell' cannot add its commands: ValueError: no bell" in str(done.exception)


@pytest.fixture
def plugin_with_default(installed):
    """A plugin `bell` whose name alone does something, and that has the command `ring`."""

    @click.argument("tone")
    @click.option("--loud", is_flag=True)
    def sound(context, *, tone, loud):
        """Sound the bell."""
        click.echo(f"{tone} {'loud' if loud else 'soft'}")

    def ring(context):
        """Ring the bell."""
        click.echo("ring")

    @hookimpl
    def collector_commands(subcommands):
        subcommands.set_default(sound)
        subcommands.add_own("ring", ring)

    module = ModuleType("made")
    module.collector_commands = collector_commands
    installed.modules.update(bell=module)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["c", "--loud"], "c loud\n"),
        (["--loud", "c"], "c loud\n"),
        (["ring"], "ring\n"),
        (["--", "ring"], "ring soft\n"),
    ],
)
def test_what_is_no_command_of_the_plugin_goes_to_its_default(plugin_with_default, arguments, output):
    done = run("bell", *arguments)
    assert (done.exit_code, done.output) == (0, output)


def test_the_help_of_a_name_with_a_default_shows_it_and_the_commands(plugin_with_default):
    text = run("bell", "--help").output
    assert "Sound the bell." in text
    assert "--loud" in text
    assert "Ring the bell." in text


def test_errors_of_the_default_are_told_below_the_name(plugin_with_default):
    done = run("bell", "--no-such-option")
    assert done.exit_code == 2
    assert "Usage: cli bell [OPTIONS] TONE" in " ".join(done.output.split())
