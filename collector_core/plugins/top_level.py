"""Commands that plugins add beside ours: entry points, so that telling which there are loads no plugin."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from collector_core.errors import StartupError, describe
from collector_core.plugins.entry_points import GROUP as PLUGINS
from collector_core.plugins.entry_points import OURS, distribution_of, entry_points

if TYPE_CHECKING:
    from collector_core.plugins.commands import CommandFunction

GROUP = f"{PLUGINS}.commands"


@dataclass(frozen=True)
class TopLevelCommand:
    """A command and who offers it: one, or several that claim the same name, of whom none gets it."""

    name: str
    claims: tuple[metadata.EntryPoint, ...]

    @property
    def summary(self) -> str:
        """One line for a list of commands."""
        if len(self.claims) > 1:
            return f"Claimed by {self._claimants}; uninstall one."
        return f"Command of the plugin {plugin_of(self.claims[0])}."

    def load(self) -> CommandFunction:
        """Load the plugin and return the command's function.

        Raises `StartupError` where several claim the name, or where the plugin cannot be loaded.
        """
        if len(self.claims) > 1:
            raise StartupError(f"`energy-collector {self.name}` is claimed by {self._claimants}; uninstall one")
        from collector_core.plugins.discovery import discover  # noqa: PLC0415 - only the names are needed for `--help`

        (entry,) = self.claims
        name = plugin_of(entry)
        plugin = discover({name}).named(name)
        if plugin.error:
            raise StartupError(f"plugin {name!r} cannot be loaded: {plugin.error}")
        try:
            function: CommandFunction = entry.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise StartupError(f"plugin {name!r} cannot add the command {self.name!r}: {describe(error)}") from error
        return function

    @property
    def _claimants(self) -> str:
        return " and ".join(sorted(map(distribution_of, self.claims)))


def top_level_commands() -> dict[str, TopLevelCommand]:
    """All commands that plugins add, by name; one of a bundled plugin is nobody else's."""
    claims: dict[str, list[metadata.EntryPoint]] = {}
    for entry in sorted(entry_points(GROUP), key=lambda entry: (entry.name, distribution_of(entry))):
        claims.setdefault(entry.name, []).append(entry)
    commands = (
        TopLevelCommand(name, _admitted([*entries, *_groups(name, entries)])) for name, entries in claims.items()
    )
    return {each.name: each for each in commands if any(entry.group == GROUP for entry in each.claims)}


def plugin_of(command: metadata.EntryPoint) -> str:
    """The plugin whose module or package has the command; the name of the distribution where none has."""
    plugins = entry_points(PLUGINS)
    owners = (each.name for each in plugins if f"{command.module}.".startswith(f"{each.module}."))
    return next(owners, distribution_of(command))


def _groups(name: str, commands: list[metadata.EntryPoint]) -> list[metadata.EntryPoint]:
    """Plugins of that name, below which they may have commands of their own, but for the one that adds this command."""
    if name in map(plugin_of, commands):
        return []
    return [entry for entry in entry_points(PLUGINS) if entry.name == name]


def _admitted(claims: list[metadata.EntryPoint]) -> tuple[metadata.EntryPoint, ...]:
    return tuple(entry for entry in claims if distribution_of(entry) == OURS) or tuple(claims)
