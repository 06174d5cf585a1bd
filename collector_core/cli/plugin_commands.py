"""Groups of commands that plugins add, and groups of their own; a plugin is loaded when its command is called."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from typing import Any

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.named import named_runner
from collector_core.engine.app import App
from collector_core.errors import AuthFailed, NotAvailable, StartupError, describe, with_fix
from collector_core.plugins.commands import CommandContext, CommandFunction, Subcommands
from collector_core.plugins.discovery import Plugin, discover, entry_point_names
from collector_core.plugins.hookspecs import implementation

STOP_SECONDS = 0.5


class PluginGroup(click.Group):
    """The commands of a group, each named like the plugin that added it, or as that plugin says."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """What plugins offer here; all are loaded for that, and broken ones left out."""
        del ctx
        return sorted(self._offers())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command. A plugin of that name is loaded alone; only where it has none of that name, all are.

        Raises `StartupError` where the plugin is broken, or where two offer the command.
        """
        del ctx
        function = None
        if cmd_name in entry_point_names():
            function = self._functions(discover({cmd_name}).named(cmd_name)).get(cmd_name)
        if function is None:
            function = self._only(cmd_name)
        return None if function is None else _command(cmd_name, function)

    def _only(self, name: str) -> CommandFunction | None:
        offers = self._offers().get(name, {})
        if len(offers) > 1:
            raise StartupError(f"`{self.name} {name}` is claimed by the plugins {' and '.join(offers)}; uninstall one")
        return next(iter(offers.values()), None)

    def _offers(self) -> dict[str, dict[str, CommandFunction]]:
        """By name of the command and of the plugin."""
        offers: dict[str, dict[str, CommandFunction]] = {}
        for plugin in discover().all:
            with contextlib.suppress(StartupError):
                for name, function in self._functions(plugin).items():
                    offers.setdefault(name, {})[plugin.name] = function
        return offers

    def _functions(self, plugin: Plugin) -> dict[str, CommandFunction]:
        return _commands_of(plugin).below(self.name or "")


def own_group(name: str) -> click.Group | None:
    """The commands of a plugin below its own name; None where no plugin is called so, or it has none.

    Raises `StartupError` where the plugin is broken.
    """
    if name not in entry_point_names():
        return None
    own = _commands_of(discover({name}).named(name)).own
    commands = {command: _command(command, function) for command, function in own.items()}
    return click.Group(name, commands=commands, help=f"Commands of the plugin {name}.") if commands else None


def _commands_of(plugin: Plugin) -> Subcommands:
    if plugin.error:
        raise StartupError(f"plugin {plugin.name!r} cannot be loaded: {plugin.error}")
    subcommands = Subcommands(plugin.name)
    try:
        if add := implementation(plugin.module, "collector_commands"):
            add(subcommands)
    except (Exception, SystemExit) as error:
        raise StartupError(f"plugin {plugin.name!r} cannot add its commands: {describe(error)}") from error
    return subcommands


def _command(name: str, function: CommandFunction) -> click.Command:
    def run(common: Common, **options: Any) -> None:
        app = App(common.config, root=common.root, redactor=common.redactor, keeps_running=False)
        app.load()
        try:
            function(CommandContext(app.root, app.clock, partial(named_runner, app)), **options)
        except (NotAvailable, AuthFailed) as error:
            click.echo(common.redactor(f"energy-collector: {with_fix(str(error), error.fix)}"), err=True)
            sys.exit(1)
        finally:
            app.stop(STOP_SECONDS)

    run.__doc__ = function.__doc__
    run.__click_params__ = list(getattr(function, "__click_params__", []))  # type: ignore[attr-defined]
    return click.command(name)(common_options(default_level="error")(run))
