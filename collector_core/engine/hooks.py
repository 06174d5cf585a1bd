"""The hooks of one collector, called so that what they raise harms no other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from collector_core.collector import Collector
from collector_core.engine.self_metrics import Health
from collector_core.errors import DeclarationError
from collector_core.metering.meters import EnergyMeter, guarded
from collector_core.model.run_report import RunReport
from collector_core.plugins.hookspecs import implementation
from collector_core.polling.fault_log import FaultLog

if TYPE_CHECKING:
    from aiohttp import web

    from collector_core.model.page_section import PageSection

MAX_REPORTS_WAITING = 4096  # of others' runs, until an observing collector runs itself
MAX_SECTIONS = 10  # of the status page, from one collector


class Hooks:
    """What one collector implements beside its runs. Failures go to its log and into its `health`."""

    def __init__(self, collector: Collector[Any], faults: FaultLog, health: Health) -> None:
        self._plugin = collector.name
        self._faults = faults
        self._health = health
        self._routes = implementation(collector, "collector_routes")
        self._meters = implementation(collector, "collector_energy_meters")
        self._sections = implementation(collector, "collector_page_sections")
        self._observe = implementation(collector, "collector_run_finished")
        self._offered: tuple[EnergyMeter, ...] = ()
        self._guarded: dict[int, tuple[object, EnergyMeter]] = {}  # by the identity of what was handed over
        self._heard: deque[RunReport] = deque(maxlen=MAX_REPORTS_WAITING)
        if self._observe:
            health.dropped_reports = 0

    @property
    def hands_over_energy(self) -> bool:
        """Whether the collector may have energy meters."""
        return self._meters is not None

    @property
    def offers_routes(self) -> bool:
        """Whether the collector may add HTTP routes."""
        return self._routes is not None

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The HTTP routes that the collector adds; what it raises passes through."""
        return tuple(self._routes()) if self._routes else ()

    def energy_meters(self) -> Sequence[EnergyMeter]:
        """The energy meters that the collector handed over after its last run. On any thread.

        Their `latest` never raises.
        """
        return self._offered

    def refresh_energy_meters(self) -> None:
        """Ask which energy meters there are now; none where the collector fails to say. On its own thread."""
        if self._meters is None:
            return
        try:
            offered = list(self._meters())
            known = self._guarded
            self._guarded = {id(each): known.get(id(each)) or (each, self._guard(each)) for each in offered}
            self._offered = tuple([self._guarded[id(each)][1] for each in offered])
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            self._faults.record_incident("its energy meters are unavailable", error)
            self._offered, self._guarded = (), {}

    def _guard(self, meter: object) -> EnergyMeter:
        return guarded(meter, self._record_meter_failure, self._plugin)

    def page_sections(self) -> tuple[PageSection, ...]:
        """What the collector shows on the status page; nothing where it fails to. On the collector's own thread."""
        try:
            return checked_sections(self._sections()) if self._sections else ()
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            self._record_failure("collector_page_sections", error)
            return ()

    def hear(self, report: RunReport) -> None:
        """Keep the report of another collector's run for one that observes; never blocks. The oldest go first."""
        if self._observe:
            if len(self._heard) == MAX_REPORTS_WAITING:
                self._health.dropped_reports = (self._health.dropped_reports or 0) + 1
            self._heard.append(report)

    def observe_others(self) -> None:
        """Hand over what others have done since the run before. On the collector's own thread."""
        if self._observe is None:
            return
        for _ in range(len(self._heard)):  # not those that come meanwhile: they would never end
            try:
                self._observe(self._heard.popleft())
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
                self._record_failure("collector_run_finished", error)

    def _record_meter_failure(self, name: str, error: BaseException) -> None:
        self._faults.record_incident(f"energy meter {name}", error)

    def _record_failure(self, hook: str, error: BaseException) -> None:
        self._faults.record_incident(f"{hook} failed", error)
        self._health.part_failures += 1


def checked_sections(offered: Iterable[object]) -> tuple[PageSection, ...]:
    """What `collector_page_sections` returned; raises `DeclarationError` where that is not a section, or too much."""
    from collector_core.model.page_section import PageSection  # noqa: PLC0415 - most collectors show nothing there

    sections = tuple(offered)
    if not all(isinstance(section, PageSection) for section in sections):
        raise DeclarationError("collector_page_sections() must return PageSection objects")
    found = cast("tuple[PageSection, ...]", sections)
    if len(found) > MAX_SECTIONS or len({section.name for section in found}) < len(found):
        raise DeclarationError(f"at most {MAX_SECTIONS} sections, each with a name of its own; got {len(found)}")
    return found
