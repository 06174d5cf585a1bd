"""The `energy-collector` command; each subcommand sits in a file of its own and is imported when it is used."""

from __future__ import annotations

import gc
import importlib
import sys
from types import ModuleType

import click

from collector_core.cli.exit import leave
from collector_core.errors import ConfigError, StartupError
from collector_core.plugins.top_level import top_level_commands

COMMANDS = {
    "run": "Collect and serve /metrics until stopped.",
    "check": "Validate the configuration.",
    "list": "List the installed plugins.",
    "once": "Run collectors once and print what they read.",
    "doctor": "Report what was found, what is missing and how to fix it.",
    "find": "Print a configuration of what was found here.",
    "outputs": "List and test the outputs of the configuration.",
    "measure": "Measure what a command costs in energy, CPU time and memory.",
    "measurements": "List, summarize and export stored measurements.",
    "history": "Query, export, import and look after what was kept.",
    "calibrate": "Fit a plugin's model to this machine.",
    "docs": "Fill the tables in plugin READMEs.",
    "new-plugin": "Create a new plugin: package, tests, README.",
}
USAGE_ERROR = 2


class LazyGroup(click.Group):
    """Knows the names of its commands and imports one only when it is called; what is no name of ours is a plugin's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names: ours, in the order in which people meet them, and those that plugins add."""
        del ctx
        return [*(COMMANDS | top_level_commands())]  # `list` is a command here, once it was imported

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line for each command, which imports none of them and loads no plugin."""
        del ctx
        added = {name: command.summary for name, command in top_level_commands().items() if name not in COMMANDS}
        with formatter.section("Commands"):
            formatter.write_dl([*(COMMANDS | added).items()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; that of a plugin loads this plugin alone."""
        del ctx
        if cmd_name not in COMMANDS:
            plugins = importlib.import_module("collector_core.cli.plugin_commands")
            found: click.Command | None = plugins.top_level_command(cmd_name) or plugins.own_group(cmd_name)
            return found
        command: click.Command = _imported(f"collector_core.cli.{cmd_name.replace('-', '_')}").command
        return command


def _imported(module: str) -> ModuleType:
    """Import a module for good: its garbage is not collected meanwhile, and what it leaves is never looked at again."""
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.enable()
        gc.freeze()


def _look_for_no_pydantic_plugins() -> None:
    """pydantic imports `importlib.metadata` to look for plugins of its own; nobody has any here."""
    loader = ModuleType("pydantic.plugin._loader")
    vars(loader)["get_plugins"] = tuple
    sys.modules.setdefault(loader.__name__, loader)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="energy-collector")
def cli() -> None:
    """Show where the watts on your machines go: collect energy and host metrics and serve them to Prometheus.

    Without a configuration file, every collector that fits this machine runs with its defaults. Some plugins add
    commands of their own, described in their READMEs: energy-collector PLUGIN COMMAND.
    """


def main() -> None:
    """Entry point: turns our own errors into one clear line and exit code 2."""
    _look_for_no_pydantic_plugins()
    try:
        cli(prog_name="energy-collector")
    except (ConfigError, StartupError) as error:
        click.echo(f"energy-collector: {error}", err=True)
        leave(USAGE_ERROR)
    except SystemExit as end:
        leave(end.code)
