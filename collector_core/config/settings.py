"""YAML → validated settings; secrets resolved; every error of a file at once, with its line and the nearest key."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import starmap
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from collector_core.collector import Collector, CollectorConfig, Context
from collector_core.config import secrets
from collector_core.config.feeds import feeds_problems
from collector_core.config.outputs import OutputInstance, OutputSettings, output_instance
from collector_core.config.section import Section, Unloadable, plugins_named
from collector_core.config.validation import validate_model, validate_options
from collector_core.config.yamlfile import Document, load
from collector_core.errors import ConfigError
from collector_core.history.options import HistoryOptions, parse_history
from collector_core.model.clock import Clock
from collector_core.options import Duration, Options, read_env_file
from collector_core.plugins.attempts import Attempts
from collector_core.plugins.discovery import Plugins

DEFAULT_LISTEN = "127.0.0.1:9877"
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")


class InstanceSettings(Options):
    """The keys of one collector instance that belong to the core; times in seconds."""

    plugin: str | None = Field(None, description="The plugin, if the instance has a name of its own.")
    interval: Duration | None = Field(None, ge=0.1, description="Time between two runs.")
    timeout: Duration | None = Field(None, description="How long a run may take.")
    stale_after: Duration | None = Field(None, description="How long without a good run until series disappear.")
    labels: dict[str, str] = Field({}, description="Labels added to every series of the instance.")
    max_series: int | None = Field(None, ge=1, le=1_000_000, description="Series of a run; what is beyond is left out.")
    options: dict[str, Any] = Field({}, description="The plugin's own options.")

    @field_validator("options", mode="before")
    @classmethod
    def _empty_options(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("labels")
    @classmethod
    def _label_names(cls, labels: dict[str, str]) -> dict[str, str]:
        wrong = [name for name in labels if not _LABEL.fullmatch(name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not a label name: use snake_case")
        return labels


class Settings(Options):
    """The whole file."""

    listen: str = Field(DEFAULT_LISTEN, description="Address and port to serve on; [::]:9877 for IPv6.")
    probe_listen: str | None = Field(
        None, description="Address and port for health checks alone: /healthz and /readyz, without TLS and passwords."
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Further host names in requests of this machine, such as that of a proxy in front."
    )
    web_config: Path | None = Field(None, description="TLS and passwords, in the format of Prometheus' web-config.")
    root: Path = Field(Path("/"), description="Where the machine's /proc and /sys are found.")
    history: HistoryOptions | None = Field(HistoryOptions(), description="What is kept on disk; `off` keeps nothing.")
    feeds: dict[str, tuple[str, ...]] = Field(
        {}, description="What gets its power through each meter: {mqtt/desk: [this]}; `this` is this machine."
    )
    collectors: dict[str, InstanceSettings] | None = Field(None, description="Instances by name.")
    outputs: dict[str, OutputSettings] | None = Field(None, description="Outputs by name.")

    @field_validator("history", mode="before")
    @classmethod
    def _history(cls, value: object) -> object:
        return parse_history(value)

    @field_validator("listen", "probe_listen")
    @classmethod
    def _listen(cls, listen: str | None) -> str | None:
        if listen is not None:
            parse_listen(listen)
        return listen

    @field_validator("feeds")
    @classmethod
    def _feeds(cls, feeds: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        wrong = next((name for name in feeds if not all(name.partition("/"))), None)
        if wrong is not None:
            raise ValueError(f"{wrong!r} is not a meter: write it as COMPONENT/DEVICE or PLUGIN/DEVICE, e.g. mqtt/desk")
        return feeds

    @field_validator("collectors", "outputs", mode="before")
    @classmethod
    def _bare_names(cls, value: object) -> object:
        """`rapl:` without a value means its defaults."""
        if not isinstance(value, dict):
            return value
        return {name: {} if item is None else item for name, item in value.items()}

    @field_validator("collectors", "outputs")
    @classmethod
    def _instance_names(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        wrong = [name for name in value or () if not _NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not a name: use letters, digits, - and _, at most 64 characters")
        return value


def parse_listen(listen: str) -> tuple[str, int]:
    """Split `host:port`; raises `ValueError`. An empty host means every address."""
    host, colon, port = listen.rpartition(":")
    if (
        not colon
        or not port.isdecimal()
        or int(port) > 65535
        or (set(host) & set("[:]") and not re.fullmatch(r"\[.+\]", host))
    ):
        raise ValueError("write it as address:port, e.g. 127.0.0.1:9877 or [::]:9877")
    return host.strip("[]"), int(port)


@dataclass(frozen=True)
class Instance:
    """One collector instance, ready to be built; times in seconds. Equal instances need no restart at a reload."""

    name: str
    type: type[Collector[Any]]
    options: CollectorConfig
    interval: float
    timeout: float
    stale_after: float
    labels: tuple[tuple[str, str], ...]
    max_series: int

    def build(self, *, clock: Clock, root: Path, **given: Any) -> Collector[Any]:
        """The collector in its `Context`, with whatever else that is `given`; what its constructor raises passes."""
        ctx = Context(
            name=self.name,
            logger=logging.getLogger(f"collector.{self.name}"),
            interval=self.interval,
            timeout=self.timeout,
            clock=clock,
            root=root,
            **given,
        )
        return self.type(self.options, ctx)


@dataclass(frozen=True)
class Config:
    """A validated configuration; `instances` is None where the file names no collectors: those that fit run."""

    settings: Settings = field(default_factory=Settings)
    instances: tuple[Instance, ...] | None = None
    file: Path | None = None
    secrets: frozenset[str] = frozenset()
    unloadable: tuple[Unloadable, ...] = ()
    outputs: tuple[OutputInstance, ...] = ()
    unloadable_outputs: tuple[Unloadable, ...] = ()


def default_instance(cls: type[Collector[Any]], attempts: Attempts | None = None) -> Instance:
    """A collector with its defaults; raises `ConfigError` when it has options that must be given.

    Raises `PluginFailed` and `StillBusy` as `validate_options` does.
    """
    document = Document(Path(cls.name), {}, {})
    who = f"collector {cls.name}"
    options, problems = validate_options(who, cls.config_type, {}, document, (), attempts or Attempts())
    if options is None:
        raise ConfigError(problems)
    return _instance(cls.name, cls, InstanceSettings(), options)


def plugin_names(document: Document) -> set[str] | None:
    """The plugins that a file names, before anything is validated; None: all may be needed."""
    collectors = plugins_named(document, "collectors")
    return None if collectors is None else collectors | (plugins_named(document, "outputs") or set())


def read_document(file: Path) -> Document:
    """Parse the file's form; raises `ConfigError`. An empty file is one without keys."""
    document = load(file)
    if document.data is None:
        return Document(document.file, {}, document.lines)
    if not isinstance(document.data, dict):
        raise ConfigError([document.problem((), "the file must contain keys, e.g. `listen: 127.0.0.1:9877`")])
    return document


def settings_of(document: Document) -> Settings | None:
    """The keys of the program itself, whatever the collectors' options are; None where one of them is wrong."""
    resolved = secrets.resolve(document)
    settings, _ = validate_model(Settings, resolved.data, document, ())
    return None if settings is None or resolved.problems else _completed(settings, document)


def validate(document: Document, plugins: Plugins, attempts: Attempts | None = None) -> Config:
    """Check everything that a file says, before any device is touched; raises `ConfigError` with all its problems."""
    attempts = attempts or Attempts()
    resolved = secrets.resolve(document)
    problems = list(resolved.problems)
    data = resolved.data
    settings, core_problems = validate_model(Settings, data, document, ())
    problems += core_problems
    common = (document, plugins, attempts)
    collectors = Section("collectors", "collector", plugins.types, InstanceSettings, *common)
    outputs = Section("outputs", "output", plugins.outputs, OutputSettings, *common)
    named = data.get("collectors")
    instances = tuple(starmap(_instance, collectors.entries(named))) if isinstance(named, dict) else None
    named = data.get("outputs")
    output_instances = tuple(starmap(output_instance, outputs.entries(named))) if isinstance(named, dict) else ()
    problems += collectors.problems + outputs.problems
    if settings is not None:
        told = ((each.type.name, each.options) for each in instances or ())
        problems += feeds_problems(document, settings.feeds, told)
    if problems or settings is None:
        problems += [each.problem for each in collectors.unloadable + outputs.unloadable]
        problems.sort(key=lambda problem: problem.line or 0)
        raise ConfigError([resolved.redact(problem) for problem in dict.fromkeys(problems)])
    options = [each.options for each in instances or ()] + [each.options for each in output_instances]
    return Config(
        settings=_completed(settings, document),
        instances=instances,
        file=document.file,
        secrets=resolved.values.union(secrets.secrets_of(options)),
        unloadable=tuple(collectors.unloadable),
        outputs=output_instances,
        unloadable_outputs=tuple(outputs.unloadable),
    )


def _instance(name: str, cls: type[Collector[Any]], settings: InstanceSettings, options: CollectorConfig) -> Instance:
    interval = settings.interval or cls.default_interval
    return Instance(
        name=name,
        type=cls,
        options=options,
        interval=interval,
        timeout=settings.timeout or cls.default_timeout,
        stale_after=settings.stale_after or max(3 * interval, 5.0),
        labels=tuple(sorted(settings.labels.items())),
        max_series=settings.max_series or cls.default_max_series,
    )


def _completed(settings: Settings, document: Document) -> Settings:
    """Paths in a file are relative to the file; where it does not say on which address to listen, an env file may."""
    found: dict[str, Any] = {}
    if settings.web_config is not None:
        found["web_config"] = document.file.parent / settings.web_config
    if "listen" not in settings.model_fields_set and (listen := _listen_of_env_files(settings, document.file)):
        found["listen"] = listen
    return settings.model_copy(update=found) if found else settings


def _listen_of_env_files(settings: Settings, file: Path) -> str | None:
    """`API_HOST` and `API_PORT` of the first `env_file` among the options that has one of them and is right."""
    default_host, default_port = DEFAULT_LISTEN.split(":")
    for instance in (settings.collectors or {}).values():
        with suppress(ValueError, TypeError):
            values = read_env_file(file.parent / instance.options.get("env_file", ""))
            host, port = values.get("API_HOST"), values.get("API_PORT")
            if host or port:
                shown = f"[{host}]" if host and ":" in host and not host.startswith("[") else host
                listen = f"{shown or default_host}:{port or default_port}"
                parse_listen(listen)
                return listen
    return None
