"""The group of all commands: which there are, and how one is found."""

from __future__ import annotations

import gc
import importlib
import sys
from types import ModuleType

import click

from collector_core.cli.commands import COMMANDS
from collector_core.cli.exit import leave
from collector_core.errors import ConfigError, StartupError
from collector_core.plugins.top_level import top_level_commands

USAGE_ERROR = 2


class LazyGroup(click.Group):
    """Knows the names of its commands and imports one only when it is called; what is no name of ours is a plugin's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names: ours, and those that plugins add."""
        del ctx
        return [*(COMMANDS | top_level_commands())]  # `list` is a command here, once it was imported

    def get_help(self, ctx: click.Context) -> str:
        """What there is, which imports no command and loads no plugin."""
        from collector_core.cli.overview import overview  # noqa: PLC0415 - commands do without

        del ctx
        return overview()

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
    """All commands; `overview` says what they are for."""


def main() -> None:
    """Run the command that is called; turns our own errors into one clear line and exit code 2."""
    _look_for_no_pydantic_plugins()
    try:
        cli(prog_name="energy-collector")
    except (ConfigError, StartupError) as error:
        click.echo(f"energy-collector: {error}", err=True)
        leave(USAGE_ERROR)
    except SystemExit as end:
        leave(end.code)
