"""The section `outputs:` → output instances that are ready to be built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from collector_core.config.suggest import did_you_mean
from collector_core.config.validation import validate_model, validate_options
from collector_core.config.yamlfile import Document, YamlPath
from collector_core.errors import CollectorError, Problem
from collector_core.model.selector import Selector
from collector_core.options import Duration, Options, seconds
from collector_core.output import Output, OutputConfig
from collector_core.plugins.attempts import Attempts
from collector_core.plugins.discovery import Plugin, Plugins, entry_point_names

DEFAULT_BATCH_WAIT = 1.0  # seconds
DEFAULT_QUEUE_BYTES = 64 * 1024 * 1024
DEFAULT_QUEUE_AGE = 7 * 86400.0  # seconds


def _check_selectors(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        Selector.parse(text)
    return texts


Selectors = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_check_selectors)]
Age = Annotated[float, BeforeValidator(seconds), Field(ge=1, allow_inf_nan=False)]


class OutputSettings(Options):
    """The keys of one output that belong to the core; times in seconds."""

    plugin: str | None = Field(None, description="The type of output, if the output has a name of its own.")
    series: Selectors | None = Field(None, description="Series to deliver; default: what the type of output says.")
    interval: Duration | None = Field(None, description="At most one sample of each series per interval, the newest.")
    timeout: Duration | None = Field(None, description="How long one delivery may take.")
    batch_size: int | None = Field(None, ge=1, le=1_000_000, description="Records that are delivered at once.")
    batch_wait: Duration = Field(DEFAULT_BATCH_WAIT, description="How long records wait for others to fill a batch.")
    queue_max_bytes: int = Field(
        DEFAULT_QUEUE_BYTES, ge=4096, description="Size of the queue on disk; the oldest records make room."
    )
    queue_max_age: Age = Field(DEFAULT_QUEUE_AGE, description="Records that have waited for longer are dropped.")
    options: dict[str, Any] = Field({}, description="The options of this type of output.")

    @field_validator("options", mode="before")
    @classmethod
    def _empty_options(cls, value: object) -> object:
        return {} if value is None else value


@dataclass(frozen=True)
class OutputInstance:
    """One output, ready to be built; times in seconds. Equal instances need no restart at a reload."""

    name: str
    type: type[Output[Any]]
    options: OutputConfig
    series: tuple[str, ...] | None
    interval: float
    timeout: float
    batch_size: int
    batch_wait: float
    queue_max_bytes: int
    queue_max_age: float


@dataclass(frozen=True)
class UnloadableOutput:
    """An output of the file whose plugin is installed, but broken."""

    name: str
    plugin: Plugin
    problem: Problem


@dataclass(frozen=True)
class OutputsFound:
    """What the section says, and what is wrong with it."""

    instances: tuple[OutputInstance, ...] = ()
    unloadable: tuple[UnloadableOutput, ...] = ()
    problems: tuple[Problem, ...] = ()


def output_plugins(data: Any) -> set[str]:
    """The plugins that the section of a file names, before anything is validated."""
    outputs = data.get("outputs") if isinstance(data, dict) else None
    return {_wanted(name, item)[0] for name, item in outputs.items()} if isinstance(outputs, dict) else set()


def read_outputs(data: Any, document: Document, plugins: Plugins, attempts: Attempts) -> OutputsFound:
    """Check the section `outputs:`, whose own keys are validated with the rest of the file."""
    if not isinstance(data, Mapping):
        return OutputsFound()
    instances: list[OutputInstance] = []
    problems: list[Problem] = []
    unloadable = list(_unloadable(data, document, plugins))
    for name, item in data.items():
        cls, unknown = _find_type(name, item, document, plugins)
        problems += unknown
        if cls is None:
            continue
        settings, _ = validate_model(OutputSettings, item or {}, document, ())
        raw = item.get("options") if isinstance(item, dict) else None
        path: YamlPath = ("outputs", name, "options")
        try:
            options, wrong = validate_options(f"output {name}", cls.config_type, raw or {}, document, path, attempts)
        except CollectorError as failed:
            problem = document.problem(path, f"its options cannot be validated: {failed}")
            plugin = next(plugin for plugin in plugins.all if cls in plugin.outputs)
            unloadable.append(UnloadableOutput(name, plugin.broken_by(failed), problem))
            continue
        problems += wrong
        if settings and options:
            instances.append(_instance(name, cls, settings, options))
    return OutputsFound(tuple(instances), tuple(unloadable), tuple(problems))


def _unloadable(outputs: Mapping[str, Any], document: Document, plugins: Plugins) -> Iterator[UnloadableOutput]:
    for name, item in outputs.items():
        wanted, path = _wanted(name, item)
        if wanted in plugins.unloaded:
            plugin = plugins.unloaded[wanted]
            problem = document.problem(path, f"plugin {wanted!r} cannot be loaded: {plugin.error}")
            yield UnloadableOutput(name, plugin, problem)


def _wanted(name: str, item: Any) -> tuple[str, YamlPath]:
    """The plugin that an output names, and where it does."""
    given = item.get("plugin") if isinstance(item, dict) else None
    return str(given or name), ("outputs", name, "plugin") if given else ("outputs", name)


def _find_type(
    name: str, item: Any, document: Document, plugins: Plugins
) -> tuple[type[Output[Any]] | None, list[Problem]]:
    wanted, path = _wanted(name, item)
    if wanted in plugins.outputs:
        return plugins.outputs[wanted], []
    if wanted in plugins.unloaded:
        return None, []  # `_unloadable` tells
    if wanted in plugins.types:
        return None, [document.problem(path, f"{wanted!r} is a collector, not an output")]
    hint = did_you_mean(wanted, {*plugins.outputs, *entry_point_names()}) or "`energy-collector list` shows all plugins"
    return None, [document.problem(path, f"there is no output named {wanted!r}; {hint}")]


def _instance(name: str, cls: type[Output[Any]], settings: OutputSettings, options: OutputConfig) -> OutputInstance:
    return OutputInstance(
        name=name,
        type=cls,
        options=options,
        series=settings.series,
        interval=cls.default_interval if settings.interval is None else settings.interval,
        timeout=settings.timeout or cls.default_timeout,
        batch_size=settings.batch_size or cls.default_batch_size,
        batch_wait=settings.batch_wait,
        queue_max_bytes=settings.queue_max_bytes,
        queue_max_age=settings.queue_max_age,
    )
