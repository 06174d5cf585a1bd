"""Commands that plugins add beside ours: listed without loading anything, and nobody takes another's name."""

import sys
from importlib import metadata

import pytest
from click.testing import CliRunner

from collector_core.cli.commands import COMMANDS
from collector_core.cli.group import cli
from collector_core.errors import StartupError
from collector_core.plugins.top_level import top_level_commands

BELL = """
import click
from collector_core import hookimpl

@hookimpl
def collector_types():
    return []

@click.option("--loud", is_flag=True, help="Wake everybody.")
def ring(context, *, loud):
    "Ring the bell."
    click.echo(f"ringing {'loudly' if loud else 'softly'} at {context.service_url}")
"""

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def run(*arguments):
    return CliRunner().invoke(cli, arguments)


def loaded(name):
    return f"plugin_under_test_{name}" in sys.modules


def test_it_is_called_with_a_context_and_its_options(install):
    install("bell", BELL, commands=["ring"])
    done = run("ring", "--loud")
    assert (done.exit_code, done.output) == (0, "ringing loudly at http://127.0.0.1:9877\n")
    assert "Ring the bell." in run("ring", "--help").output


def test_only_its_plugin_is_loaded(install):
    install("bell", BELL, commands=["ring"])
    install("other", "raise RuntimeError('loaded')", commands=["other"])
    assert run("ring").exit_code == 0
    assert loaded("bell")
    assert not loaded("other")


def test_help_lists_it_and_loads_nothing(install):
    install("bell", BELL, commands=["ring"])
    assert "  ring          Command of the plugin bell.\n" in run("--help").output
    assert not loaded("bell")


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        (":9000", "http://127.0.0.1:9000"),
        ("[::]:9000", "http://[::1]:9000"),
        ("box:9000", "http://box:9000"),
    ],
)
def test_it_knows_where_the_service_is(install, tmp_path, listen, url):
    install("bell", BELL, commands=["ring"])
    (tmp_path / "config.yaml").write_text(f"listen: '{listen}'\ncollectors: {{}}")
    assert run("ring", "--config", str(tmp_path / "config.yaml")).output == f"ringing softly at {url}\n"


def test_a_command_of_ours_cannot_be_taken(install):
    install("bell", BELL, commands=["check", "ring"])
    done = run("--help").output
    assert f"  check         {COMMANDS['check']}\n" in done
    assert "Validate the configuration" in run("check", "--help").output
    assert not loaded("bell")


def test_two_that_claim_one_name_get_neither_and_are_named(install):
    install("bell", BELL, commands=["ring"])
    install("gong", BELL, commands=["ring"])
    assert "Claimed by collector-bell and collector-gong; uninstall one." in run("--help").output
    done = run("ring")
    assert isinstance(done.exception, StartupError)
    assert "`energy-collector ring` is claimed by collector-bell and collector-gong" in str(done.exception)


def test_a_bundled_command_keeps_its_name(install):
    install("bell", BELL, commands=["report"])
    assert top_level_commands()["report"].summary == "Command of the plugin performance."
    assert "It asks the plugin `performance`" in run("report", "--help").output


def test_a_command_may_not_hide_the_commands_of_a_plugin(install):
    install("bell", BELL, commands=["solix"])
    assert "login" in run("solix", "--help").output
    install("gong", BELL, commands=["bell"])
    assert "claimed by collector-bell and collector-gong" in str(run("bell").exception)


def test_a_plugin_may_call_its_command_as_itself(install):
    install("ring", BELL, commands=["ring"])
    assert run("ring").output.startswith("ringing")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('torn')", "plugin 'bell' cannot be loaded: RuntimeError: torn"),
        (BELL.replace("def ring", "def rang"), "plugin 'bell' cannot add the command 'ring': AttributeError"),
    ],
)
def test_a_broken_plugin_is_named(install, code, reason):
    install("bell", code, commands=["ring"])
    assert "Command of the plugin bell." in run("--help").output
    done = run("ring")
    assert isinstance(done.exception, StartupError)
    assert reason in str(done.exception)


def test_every_command_of_ours_says_in_its_help_what_the_list_says():
    assert all(summary.endswith(".") for summary in COMMANDS.values())
    for name in COMMANDS:
        assert run(name, "--help").exit_code == 0


def test_the_bundled_commands_are_declared():
    ours = [
        each for each in metadata.entry_points(group="collector_core.commands") if each.dist.name == "energy-collector"
    ]
    assert [each.name for each in ours] == ["report"]
