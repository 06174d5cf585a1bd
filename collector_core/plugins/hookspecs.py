"""Every hook of the framework, on one page. A plugin implements those it needs with `@hookimpl`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from collector_core.plugins.entry_points import GROUP

if TYPE_CHECKING:
    from aiohttp import web

    from collector_core.collector import Collector
    from collector_core.metering.meters import EnergyMeter
    from collector_core.model.page_section import PageSection
    from collector_core.model.run_report import RunReport
    from collector_core.output import BaseOutput
    from collector_core.plugins.commands import Subcommands

PROJECT = GROUP

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


def implementation(plugin: Collector[Any] | ModuleType, hook: str) -> Callable[..., Any] | None:
    """A collector's or a module's own implementation of a hook, None where it has none.

    Collectors are not registered with pluggy: a call would go to all of them at once, and end at the first that raises.
    """
    marked = plugin if isinstance(plugin, ModuleType) else type(plugin)
    return getattr(plugin, hook) if implements(marked, hook) else None


def implements(plugin: type | ModuleType, hook: str) -> bool:
    """Whether a collector class or a module has an implementation of its own."""
    return hasattr(getattr(plugin, hook, None), f"{PROJECT}_impl")


def unknown_hooks(cls: type) -> Iterator[str]:
    """Methods that a class marks as hooks and that are none."""
    marked = (name for name in dir(cls) if hasattr(getattr(cls, name, None), f"{PROJECT}_impl"))
    return (name for name in marked if not hasattr(globals().get(name), f"{PROJECT}_spec"))


@hookspec
def collector_types() -> Sequence[type[Collector[Any]]]:  # type: ignore[empty-body]
    """Return the collector classes of this plugin; called once, does no I/O."""


@hookspec
def collector_demo_types() -> Sequence[type[Collector[Any]]]:  # type: ignore[empty-body]
    """Return simulated collector classes, which `energy-collector run --demo` runs in the place of `collector_types`.

    They have the plugin's own name and metrics and run with their default options; every series gets `demo="true"`.
    Implemented by a plugin's module; plugins without it are left out of the demo. Does no I/O.
    """


@hookspec
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:  # type: ignore[empty-body]
    """Return the output classes of this plugin, which `outputs:` in the configuration names; does no I/O.

    Implemented by a plugin's module, beside `collector_types` or alone.
    """


@hookspec
def collector_run_finished(report: RunReport) -> None:
    """See the finished run of another collector, good or bad, in the order in which they ended.

    Implemented by a `Collector`'s method: `@hookimpl def collector_run_finished(self, report)`. Called on the observing
    collector's own thread, before each of its own runs and for every run of others since: whatever it does harms no
    other. Up to 4096 reports wait; older ones are dropped and counted in `collector_dropped_reports_total`. What it
    raises is logged and counted in `collector_part_failures_total`.
    """


@hookspec
def collector_routes() -> Sequence[web.RouteDef]:  # type: ignore[empty-body]
    """Return HTTP routes that a collector adds, e.g. `[aiohttp.web.get("/power", handler)]`.

    Implemented by a `Collector`'s method: `@hookimpl def collector_routes(self)`. Called once per collector. The
    handlers run on an event loop of the collector's own, apart from its runs and from the web server: they answer from
    what the last run left, with a complete `web.Response`; one that has not answered after 10 s is given up, and until
    it returns, so are the collector's others. Import aiohttp within the method, so that commands that serve nothing
    need not. Two collectors that offer the same path, or one of the framework's own, are an error at the start that
    names both.
    """


@hookspec
def collector_page_sections() -> Sequence[PageSection]:  # type: ignore[empty-body]
    """Return sections that a collector adds to the status page, at most 10: charts, tables and links as plain data.

    Implemented by a `Collector`'s method: `@hookimpl def collector_page_sections(self)`. Called on the collector's own
    thread after its runs, good or bad, within the run's timeout: whatever it does harms no other. It is called after
    each run in the first half minute and while somebody looks, else where the last call is ten seconds ago. What it
    returned last is shown; once the collector's series are stale, with its error and without values of now. What it
    raises is logged and counted in `collector_part_failures_total`. JSON for programs comes by `collector_routes`.
    """


@hookspec
def collector_energy_meters() -> Sequence[EnergyMeter]:  # type: ignore[empty-body]
    """Return the energy meters that a collector can read, as of its last run; none while it knows none.

    Implemented by a `Collector`'s method: `@hookimpl def collector_energy_meters(self)`. Called on the collector's own
    thread after each of its runs, good or bad, within the run's timeout. The meters' `latest` is called by others, on
    their threads.
    """


@hookspec
def collector_commands(subcommands: Subcommands) -> None:
    """Add commands below the framework's, or below the plugin's own name.

    `subcommands.add("calibrate", function)` makes `calibrate NAME`, where NAME is the plugin's unless it gives another,
    such as `name="cpu"`; `subcommands.add_own("login", function)` makes `NAME login`. Implemented by a plugin's module.
    Called when somebody asks for that command or its group's help, and never otherwise; import what the command needs
    within this function. A command beside ours is no hook but an entry point in the group `collector_core.commands`.
    """
