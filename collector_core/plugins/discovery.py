"""Entry points → plugins. A broken plugin is recorded with its reason, never raised."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pluggy

from collector_core.collector import Collector, CollectorConfig, Context
from collector_core.errors import (
    CollectorError,
    DeclarationError,
    NewerApiNeeded,
    NotAvailable,
    Reason,
    fix_of,
    reason_of,
)
from collector_core.installed import EntryPoint, entry_points
from collector_core.model.clock import Clock
from collector_core.model.metrics import Metric
from collector_core.output import BaseOutput, OutputConfig
from collector_core.plugins import api_version as api
from collector_core.plugins import hookspecs
from collector_core.plugins.attempts import Attempts, PluginFailed, StillBusy
from collector_core.plugins.entry_points import GROUP, OURS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plugin:
    """One entry point: what it offers, or why it could not be loaded; `refused` where another one has its name.

    `reason` is that of `error`.
    """

    name: str
    distribution: str
    version: str
    module: Any = None
    types: tuple[type[Collector[Any]], ...] = ()
    outputs: tuple[type[BaseOutput[Any]], ...] = ()
    error: str = ""
    fix: str = ""
    refused: bool = False
    reason: Reason = Reason.BAD_DATA

    def broken_by(self, failed: CollectorError) -> Plugin:
        """The same plugin, which cannot take part because of an error."""
        return replace(self, error=str(failed), fix=fix_of(failed), reason=reason_of(failed))

    @property
    def problem(self) -> str:
        """Why it does not take part."""
        return f"{'refused' if self.refused else 'cannot be loaded'}: {self.error}"

    @property
    def remedy(self) -> str:
        """What to do when it could not be loaded."""
        return self.fix or f"pip install --upgrade {self.distribution}"


class Plugins:
    """The plugins of this environment, by name."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self.all = tuple(plugins)
        self._types = {cls.name: (cls, plugin) for plugin in self.all for cls in plugin.types}

    @property
    def broken(self) -> tuple[Plugin, ...]:
        """Those that could not be loaded or were refused; another one may have been loaded under the same name."""
        return tuple(plugin for plugin in self.all if plugin.error)

    @property
    def unloaded(self) -> dict[str, Plugin]:
        """The names under which nothing could be loaded, each with the first plugin that has it."""
        loaded = {plugin.name for plugin in self.all if not plugin.error}
        return {plugin.name: plugin for plugin in reversed(self.broken) if plugin.name not in loaded}

    def named(self, name: str) -> Plugin:
        """The plugin that was loaded under a name, or the first that was not; raises `KeyError` where none has it."""
        loaded = (plugin for plugin in self.all if plugin.name == name and not plugin.error)
        return next(loaded, None) or self.unloaded[name]

    @property
    def types(self) -> dict[str, type[Collector[Any]]]:
        """Collector classes by their name."""
        return {name: cls for name, (cls, _) in self._types.items()}

    @property
    def outputs(self) -> dict[str, type[BaseOutput[Any]]]:
        """Output classes by their name."""
        return {cls.name: cls for plugin in self.all for cls in plugin.outputs}

    def plugin_of(self, type_name: str) -> Plugin:
        """The plugin that offers a collector class."""
        return self._types[type_name][1]

    def paths_may_clash(self, types: Sequence[type[Collector[Any]]]) -> bool:
        """Whether two collectors of these types, which offer HTTP routes, may offer one path.

        Bundled ones, each once, do not.
        """
        bundled = {cls for cls in types if self.plugin_of(cls.name).distribution == OURS}
        return len(bundled) < len(types)


def discover(
    only: Collection[str] | None = None, *, hook: str = "collector_types", attempts: Attempts | None = None
) -> Plugins:
    """Load every plugin, or the entry points named in `only`; what it does not load costs nothing.

    `hook` is the one that says which collectors a plugin has. Each is imported on a thread of its own, one after the
    other, as imports that go on at once may meet half-initialised modules; only one that hangs is left behind.
    """
    load = partial(_load, attempts or Attempts(), hook)
    claimants: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(GROUP), key=lambda entry: (entry.name, entry.distribution)):
        if only is None or entry.name in only:
            claimants.setdefault(entry.name, []).append(entry)
    return Plugins(plugin for entries in claimants.values() for plugin in _load_one(load, entries))


def detect(
    cls: type[Collector[Any]], root: Path, clock: Clock, attempts: Attempts | None = None
) -> NotAvailable | None:
    """Ask a collector class whether it has anything to do here; one that raises has not, nor one that hangs."""
    ctx = Context(name=cls.name, logger=logging.getLogger(f"collector.{cls.name}"), clock=clock, root=root)

    def ask() -> NotAvailable | None:
        try:
            return cls.detect(ctx)
        except NotAvailable as answer:
            return answer

    try:
        return (attempts or Attempts()).make(f"collector {cls.name}: detect()", (cls, root), cls.__module__, ask)
    except StillBusy as busy:
        return busy
    except PluginFailed as failed:
        return NotAvailable(Reason.BAD_DATA, str(failed))


def _load_one(load: Callable[[EntryPoint], Plugin], claimants: Sequence[EntryPoint]) -> Iterator[Plugin]:
    """Load one of those that claim a name, and refuse the others: the bundled one; or none, as no other has a right."""
    ours = [entry for entry in claimants if entry.distribution == OURS]
    admitted = ours or (claimants if len(claimants) == 1 else [])
    yield from map(load, admitted)
    yield from (_refused(entry, [] if ours else claimants) for entry in claimants if entry not in admitted)


def _load(attempts: Attempts, hook: str, entry: EntryPoint) -> Plugin:
    def work() -> tuple[Any, tuple[type[Collector[Any]], ...], tuple[type[BaseOutput[Any]], ...]]:
        module = _import(entry)
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        return module, _collector_types(manager, entry.name, module, hook), _output_types(manager, entry.name, module)

    plugin = Plugin(entry.name, entry.distribution, entry.version)
    try:
        found = attempts.make(f"plugin {entry.name}: its import", (entry, hook), entry.module, work)
    except StillBusy as busy:
        return replace(plugin, error=busy.detail, fix=busy.fix, reason=busy.reason)
    except PluginFailed as failed:
        return replace(plugin, error=str(failed), fix=api.UPGRADE if isinstance(failed.cause, NewerApiNeeded) else "")
    module, types, outputs = found
    return replace(plugin, module=module, types=types, outputs=outputs)


def _import(entry: EntryPoint) -> Any:
    try:
        module = entry.load()
    except ImportError:
        api.check_source(entry.module)
        raise
    api.check_required(module)
    return module


def _collector_types(
    manager: pluggy.PluginManager, name: str, module: Any, hook: str
) -> tuple[type[Collector[Any]], ...]:
    """Register one plugin, check its hooks and ask it alone, so that it can spoil no other's answer."""
    manager.register(module, name)
    unknown = [caller.name for caller in manager.get_hookcallers(module) or [] if not caller.has_spec()]
    if unknown:
        raise DeclarationError(f"there is no hook called {', '.join(unknown)}")
    types = _answers(manager, module, hook)
    for cls in types:
        check_type(name, cls)
    return types


def _output_types(manager: pluggy.PluginManager, name: str, module: Any) -> tuple[type[BaseOutput[Any]], ...]:
    outputs = _answers(manager, module, "collector_output_types")
    problem = next((problem for cls in outputs for problem in _output_problems(name, cls)), None)
    if problem:
        raise DeclarationError(problem)
    return outputs


def _answers(manager: pluggy.PluginManager, module: Any, hook: str) -> tuple[Any, ...]:
    """What a registered module alone returns from a hook that gives a sequence."""
    callers: pluggy.HookCaller = getattr(manager.hook, hook)
    implementations = [impl for impl in callers.get_hookimpls() if impl.plugin is module]
    answers: list[Any] = [impl.function() for impl in implementations]
    return tuple(each for answer in answers for each in answer)


def check_type(plugin: str, cls: type[Collector[Any]]) -> None:
    """Raises `DeclarationError` when a collector class breaks the contract of its plugin."""
    problem = next(_type_problems(plugin, cls), None)
    if problem:
        raise DeclarationError(problem)


def _type_problems(plugin: str, cls: type[Collector[Any]]) -> Iterator[str]:
    if not (isinstance(cls, type) and issubclass(cls, Collector)):
        yield f"collector_types() must return Collector classes, got {cls!r}"
        return
    yield from _class_problems(plugin, cls, CollectorConfig)
    yield from (f"there is no hook called {hook}" for hook in hookspecs.unknown_hooks(cls))
    yield from _metric_problems(cls)


def _output_problems(plugin: str, cls: type[BaseOutput[Any]]) -> Iterator[str]:
    if not (isinstance(cls, type) and issubclass(cls, BaseOutput)):
        yield f"collector_output_types() must return Output classes, got {cls!r}"
        return
    yield from _class_problems(plugin, cls, OutputConfig)


def _class_problems(
    plugin: str, cls: type[Collector[Any]] | type[BaseOutput[Any]], config: type[CollectorConfig] | type[OutputConfig]
) -> Iterator[str]:
    if inspect.isabstract(cls):
        yield f"{cls.__name__} lacks {', '.join(sorted(cls.__abstractmethods__))}"
    name = getattr(cls, "name", None)
    if name != plugin and not str(name).startswith(f"{plugin}_"):
        yield f"{cls.__name__}.name is {name!r}; it must be {plugin!r} like the entry point"
    if not (isinstance(cls.config_type, type) and issubclass(cls.config_type, config)):
        yield f"{cls.__name__}.config_type must be a subclass of {config.__name__}"


def _metric_problems(cls: type[Collector[Any]]) -> Iterator[str]:
    metrics = getattr(cls, "metrics", None)
    if not (isinstance(metrics, tuple) and all(isinstance(metric, Metric) for metric in metrics)):
        yield f"{cls.__name__}.metrics must be a tuple of Gauge, Counter and Info"
        return
    for metric in metrics:
        if not metric.given_name and not metric.name.startswith(f"{cls.name}_"):
            yield f"{metric.name} must start with {cls.name}_"
    if len({metric.base_name for metric in metrics}) < len(metrics):
        yield f"{cls.__name__}.metrics declares a name twice"


def _refused(entry: EntryPoint, rivals: Sequence[EntryPoint]) -> Plugin:
    """A claim to the name of a bundled plugin or, where there are `rivals`, to one that several distributions want."""
    distribution = entry.distribution
    if rivals:
        claim = f"is claimed by {' and by '.join(rival.distribution for rival in rivals)}; uninstall one"
    else:
        claim = f"belongs to a plugin bundled with {OURS}; uninstall {distribution}"
    error, fix = f"the name {entry.name!r} {claim}", f"pip uninstall {distribution}"
    return Plugin(entry.name, distribution, entry.version, error=error, fix=fix, refused=True)
