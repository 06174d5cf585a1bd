"""The `energy-collector` command; each subcommand sits in a file of its own and is imported when it is used."""

from __future__ import annotations

import importlib

import click

from collector_core.cli.exit import leave
from collector_core.errors import ConfigError, StartupError

COMMANDS = (
    "run",
    "check",
    "list",
    "once",
    "doctor",
    "report",
    "measure",
    "measurements",
    "calibrate",
    "docs",
    "new-plugin",
)
USAGE_ERROR = 2


class LazyGroup(click.Group):
    """Knows the names of its commands and imports one only when it is called; what is no name of ours is a plugin's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which people meet them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; that of a plugin loads this plugin alone."""
        del ctx
        if cmd_name not in COMMANDS:
            own: click.Group | None = importlib.import_module("collector_core.cli.plugin_commands").own_group(cmd_name)
            return own
        command: click.Command = importlib.import_module(f"collector_core.cli.{cmd_name.replace('-', '_')}").command
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="energy-collector")
def cli() -> None:
    """Tells where the watts on your machines go: collects energy and host metrics and serves them to Prometheus.

    Without a configuration file everything that fits this machine is collected with its defaults. Some plugins have
    commands of their own, which their READMEs tell: energy-collector PLUGIN COMMAND.
    """


def main() -> None:
    """Entry point: turns our own errors into one clear line and exit code 2."""
    try:
        cli(prog_name="energy-collector")
    except (ConfigError, StartupError) as error:
        click.echo(f"energy-collector: {error}", err=True)
        leave(USAGE_ERROR)
    except SystemExit as end:
        leave(end.code)
