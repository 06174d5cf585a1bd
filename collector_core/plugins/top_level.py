"""Commands that plugins add beside ours: entry points, so that telling which there are loads no plugin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from collector_core.errors import StartupError, describe
from collector_core.installed import EntryPoint, entry_points
from collector_core.plugins.entry_points import GROUP as PLUGINS
from collector_core.plugins.entry_points import OURS

if TYPE_CHECKING:
    from collector_core.plugins.commands import CommandFunction

GROUP = f"{PLUGINS}.commands"


class TopLevelCommand(NamedTuple):
    """A command, its plugin, and who offers it: one, or several that claim the same name, of whom none gets it."""

    name: str
    claims: tuple[EntryPoint, ...]
    plugin: str

    @property
    def summary(self) -> str:
        """One line for a list of commands."""
        if len(self.claims) > 1:
            return f"Claimed by {self._claimants}; uninstall one."
        return f"Command of the plugin {self.plugin}."

    def load(self) -> CommandFunction:
        """Load the plugin and return the command's function.

        Raises `StartupError` where several claim the name, or where the plugin cannot be loaded.
        """
        if len(self.claims) > 1:
            raise StartupError(f"`energy-collector {self.name}` is claimed by {self._claimants}; uninstall one")
        from collector_core.plugins.discovery import discover  # noqa: PLC0415 - only the names are needed for `--help`

        (entry,) = self.claims
        plugin = discover({self.plugin}).named(self.plugin)
        if plugin.error:
            raise StartupError(f"plugin {plugin.name!r} cannot be loaded: {plugin.error}")
        try:
            function: CommandFunction = entry.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise StartupError(
                f"plugin {plugin.name!r} cannot add the command {self.name!r}: {describe(error)}"
            ) from error
        return function

    @property
    def _claimants(self) -> str:
        return " and ".join(sorted(claim.distribution for claim in self.claims))


def top_level_commands() -> dict[str, TopLevelCommand]:
    """All commands that plugins add, by name; one of a bundled plugin is nobody else's."""
    plugins = entry_points(PLUGINS)
    claims: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(GROUP), key=lambda entry: (entry.name, entry.distribution)):
        claims.setdefault(entry.name, []).append(entry)
    commands = (_command(name, entries, plugins) for name, entries in claims.items())
    return {each.name: each for each in commands if any(entry.group == GROUP for entry in each.claims)}


def _command(name: str, entries: Sequence[EntryPoint], plugins: Sequence[EntryPoint]) -> TopLevelCommand:
    """Beside those who add it, plugins of its name claim it: they may have commands of their own below theirs."""
    added = name in (_owner(entry, plugins) for entry in entries)
    groups = [] if added else [plugin for plugin in plugins if plugin.name == name]
    admitted = _admitted([*entries, *groups])
    return TopLevelCommand(name, admitted, _owner(admitted[0], plugins))


def _owner(command: EntryPoint, plugins: Iterable[EntryPoint]) -> str:
    """The plugin whose module or package has the command; the name of the distribution where none has."""
    owners = (each.name for each in plugins if f"{command.module}.".startswith(f"{each.module}."))
    return next(owners, command.distribution)


def _admitted(claims: Sequence[EntryPoint]) -> tuple[EntryPoint, ...]:
    return tuple(entry for entry in claims if entry.distribution == OURS) or tuple(claims)
