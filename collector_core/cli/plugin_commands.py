"""Groups of commands that plugins add, and groups of their own; a plugin is loaded when its command is called."""

from __future__ import annotations

import contextlib
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.named_runner import named_runner
from collector_core.config.loading import load
from collector_core.config.settings import Config, parse_listen
from collector_core.engine.app import App
from collector_core.engine.runner import Runner
from collector_core.errors import AuthFailed, NotAvailable, StartupError, describe, with_fix
from collector_core.history.past import History
from collector_core.model.clock import Clock
from collector_core.plugins.commands import CommandContext, CommandFunction, Subcommands
from collector_core.plugins.discovery import Plugin, discover
from collector_core.plugins.entry_points import entry_point_names
from collector_core.plugins.hookspecs import implementation
from collector_core.plugins.top_level import top_level_commands

STOP_SECONDS = 0.5
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask, not to listen


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


class GroupWithDefault(click.Group):
    """Commands below a name that does something by itself: what follows is a command, or the default's arguments."""

    def __init__(self, name: str, commands: dict[str, click.Command], default: click.Command) -> None:
        super().__init__(name, commands=commands, help=default.help)
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Arguments that name no command, and ask for no help, are the default's."""
        is_default = args and args[0] not in (*self.commands, *ctx.help_option_names)
        return super().parse_args(ctx, ["--", *args] if is_default else args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of this name, or the default with all that follows."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return None, self._default, args

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The default's arguments come first."""
        return [*self._default.collect_usage_pieces(ctx), "|", *super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The default's options, then the commands."""
        self._default.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def top_level_command(name: str) -> click.Command | None:
    """A plugin's command beside ours, None where there is none of that name.

    Raises `StartupError` where two plugins claim the name, or where the plugin is broken.
    """
    found = top_level_commands().get(name)
    return _command(name, found.load(), "warning") if found else None


def own_group(name: str) -> click.Group | None:
    """The commands of a plugin below its own name; None where no plugin is called so, or it has none.

    Raises `StartupError` where the plugin is broken.
    """
    if name not in entry_point_names():
        return None
    subcommands = _commands_of(discover({name}).named(name))
    commands = {command: _command(command, function) for command, function in subcommands.own.items()}
    if subcommands.default is not None:
        return GroupWithDefault(name, commands, _command(name, subcommands.default))
    return click.Group(name, commands=commands, help=f"Commands of the plugin {name}.") if commands else None


def _commands_of(plugin: Plugin) -> Subcommands:
    if plugin.error:
        raise StartupError(f"plugin {plugin.name!r} cannot be loaded: {plugin.error}")
    subcommands = Subcommands(plugin.name)
    try:
        if add := implementation(plugin.module, "collector_commands"):
            add(subcommands)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise StartupError(f"plugin {plugin.name!r} cannot add its commands: {describe(error)}") from error
    return subcommands


class _Program:
    """What a command asks of the program: the collectors are built when it first does."""

    def __init__(self, common: Common) -> None:
        self._common = common

    @cached_property
    def app(self) -> App:
        """The collectors of the configuration, built and not started."""
        common = self._common
        app = App(common.config, root=common.root, redactor=common.redactor, keeps_running=False)
        app.load()
        return app

    @property
    def root(self) -> Path:
        return self.app.root

    @property
    def clock(self) -> Clock:
        return self.app.clock

    @property
    def service_url(self) -> str:
        config = load(self._common.config)[1] if self._common.config else Config()
        host, port = parse_listen(config.settings.listen)
        host = LOOPBACK.get(host, host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def history(self) -> History:
        from collector_core.history.stored import kept_history  # noqa: PLC0415 - few commands ask for it

        options = self.app.config.settings.history
        return History() if options is None else kept_history(options, self.clock)

    def find(self, collector: str) -> Runner:
        return named_runner(self.app, collector)

    def stop(self) -> None:
        """Stop the collectors, if there are any."""
        if "app" in vars(self):
            self.app.stop(STOP_SECONDS)


def _command(name: str, function: CommandFunction, default_level: str = "error") -> click.Command:
    def run(common: Common, **options: Any) -> None:
        program = _Program(common)
        try:
            function(CommandContext(program), **options)
        except (NotAvailable, AuthFailed) as error:
            click.echo(common.redactor(f"energy-collector: {with_fix(str(error), error.fix)}"), err=True)
            sys.exit(1)
        finally:
            program.stop()

    run.__doc__ = function.__doc__
    decorated: Any = common_options(default_level)(run)
    decorated.__click_params__ += getattr(function, "__click_params__", [])  # the last are the first in its help
    return click.command(name)(decorated)
