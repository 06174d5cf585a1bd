"""A section of a file whose entries name plugins, `collectors:` or `outputs:`: their types and their options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from collector_core.collector import Collector
from collector_core.config.suggest import did_you_mean
from collector_core.config.validation import validate_options
from collector_core.config.yamlfile import Document, YamlPath
from collector_core.errors import CollectorError, Problem
from collector_core.options import Options
from collector_core.output import BaseOutput
from collector_core.plugins.attempts import Attempts
from collector_core.plugins.discovery import Plugin, Plugins
from collector_core.plugins.entry_points import entry_point_names

ClassT = TypeVar("ClassT", bound=type[Collector[Any]] | type[BaseOutput[Any]])
SettingsT = TypeVar("SettingsT", bound=Options)


@dataclass(frozen=True)
class Unloadable:
    """An entry of the file whose plugin is installed, but broken: not the file's fault, so the others run."""

    name: str
    plugin: Plugin
    problem: Problem


class SectionEntry(NamedTuple, Generic[ClassT, SettingsT]):
    """One entry: its name, the class that it means, the keys that belong to the core, and the options of the class."""

    name: str
    type: ClassT
    settings: SettingsT
    options: Any


class Section(Generic[ClassT, SettingsT]):
    """Reads the section `key`, whose entries are each a `kind` of one of `types`, with keys as in `settings`.

    `problems` are what is wrong in the file, `unloadable` the entries whose plugin is.
    """

    def __init__(
        self,
        key: str,
        kind: str,
        types: Mapping[str, ClassT],
        settings: type[SettingsT],
        document: Document,
        plugins: Plugins,
        attempts: Attempts,
    ) -> None:
        self.problems: list[Problem] = []
        self.unloadable: list[Unloadable] = []
        self._key = key
        self._kind = kind
        self._types = types
        self._settings = settings
        self._document = document
        self._plugins = plugins
        self._attempts = attempts

    def entries(self, data: Mapping[str, Any]) -> Iterator[SectionEntry[ClassT, SettingsT]]:
        """The entries that can be built; what is wrong with the others is noted.

        Where it is their own keys, it is reported with the rest of the file, where its path is known.
        """
        for name, item in data.items():
            cls = self._find_type(name, item)
            options = None if cls is None else self._options(name, cls, item)
            settings = self._settings_of(item)
            if cls is not None and options is not None and settings is not None:
                yield SectionEntry(name, cls, settings, options)

    def _settings_of(self, item: Any) -> SettingsT | None:
        with suppress(ValidationError):
            return self._settings.model_validate(item or {})
        return None

    def _find_type(self, name: str, item: Any) -> ClassT | None:
        wanted, path = wanted_plugin(self._key, name, item)
        if wanted in self._types:
            return self._types[wanted]
        if wanted in self._plugins.unloaded:
            plugin = self._plugins.unloaded[wanted]
            self._leave_out(name, plugin, path, f"plugin {wanted!r} cannot be loaded: {plugin.error}")
        elif wanted in {**self._plugins.types, **self._plugins.outputs}:
            self.problems.append(self._document.problem(path, f"the plugin {wanted!r} offers no {self._kind}"))
        else:
            hint = did_you_mean(wanted, {*self._types, *entry_point_names()}) or "`energy-collector list` shows all"
            self.problems.append(self._document.problem(path, f"there is no plugin named {wanted!r}; {hint}"))
        return None

    def _options(self, name: str, cls: ClassT, item: Any) -> Any:
        """The options of an entry; validating them runs the plugin's code."""
        raw = item.get("options") if isinstance(item, dict) else None
        path: YamlPath = (self._key, name, "options")
        given = {} if raw is None else raw
        who = f"{self._kind} {name}"
        try:
            options, wrong = validate_options(who, cls.config_type, given, self._document, path, self._attempts)
        except CollectorError as failed:
            plugin = next(plugin for plugin in self._plugins.all if cls in (*plugin.types, *plugin.outputs))
            self._leave_out(name, plugin.broken_by(failed), path, f"its options cannot be validated: {failed}")
            return None
        self.problems += wrong
        return options

    def _leave_out(self, name: str, plugin: Plugin, path: YamlPath, why: str) -> None:
        self.unloadable.append(Unloadable(name, plugin, self._document.problem(path, why)))


def wanted_plugin(key: str, name: str, item: Any) -> tuple[str, YamlPath]:
    """The plugin that an entry of the section `key` names, and where it does."""
    given = item.get("plugin") if isinstance(item, dict) else None
    return str(given or name), (key, name, "plugin") if given else (key, name)


def plugins_named(document: Document, key: str) -> set[str] | None:
    """The plugins that a section names, before anything is validated; None where there is no such section."""
    entries = document.data.get(key) if isinstance(document.data, dict) else None
    return {wanted_plugin(key, name, item)[0] for name, item in entries.items()} if isinstance(entries, dict) else None
