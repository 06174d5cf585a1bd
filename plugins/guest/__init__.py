"""The power of this virtual machine, as its host measures it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, EnergyMeter, NotAvailable, Readings, Reason, hookimpl
from collector_plugins.guest import metrics
from collector_plugins.guest.config import Config
from collector_plugins.guest.meter import HostMeters
from collector_plugins.guest.sources import DEFAULT_PORT, FIX, new_source

if TYPE_CHECKING:
    from aiohttp import web


class Guest(Collector[Config]):
    """Takes what the host tells; where it falls silent, power is absent."""

    name = "guest"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 1.0
    needs_two_runs = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._source = new_source(config, ctx)
        self._meters = HostMeters(ctx.interval)
        self._energy_meters: tuple[EnergyMeter, ...] = ()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Whether the host has given this machine the port; a folder and pushes have to be configured."""
        if ctx.path(DEFAULT_PORT).exists():
            return None
        return NotAvailable(Reason.NOT_FOUND, "no host tells the power of this machine", fix=FIX)

    def open(self) -> None:
        """Raises `NotAvailable` where no way is configured, and there is no port."""
        is_configured = self.config != Config()
        if not is_configured and (problem := self.detect(self.ctx)):
            raise problem

    def collect(self, out: Readings) -> None:
        """Take what the host told last; a host that is silent, or tells nonsense, is a failed part."""
        self._energy_meters = ()
        now = self.ctx.clock.monotonic()
        is_up = False
        with out.part(host=self._source.way):
            if reading := self._source.read():
                self._meters.record(reading, now)
            self._refuse_silence(now)
            is_up = True
        out.add(metrics.UP, is_up)
        if not is_up:
            self._meters.forget_power()
            return
        self._energy_meters = tuple(self._meters.energy_meters())
        self._publish(out)

    def close(self) -> None:
        """Let go of the port; joules go on from where they were."""
        self._energy_meters = ()
        self._source.close()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """One for each component that the host tells of, while it does."""
        return self._energy_meters

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """Where the host pushes, if it does."""
        return self._source.routes()

    def _refuse_silence(self, now: float) -> None:
        if self._meters.reading is None:
            raise NotAvailable(Reason.UNREACHABLE, "the host has told nothing yet", fix=FIX)
        if (silence := self._meters.silent_for(now)) is not None:
            detail = f"the host has told nothing for {silence:.0f} s"
            raise NotAvailable(Reason.UNREACHABLE, detail, fix="start energy-collector on the host")

    def _publish(self, out: Readings) -> None:
        for component, meter in self._meters.components.items():
            if meter.told is None:
                continue
            out.add(metrics.ENERGY, meter.joules, component=component)
            out.add(metrics.UNKNOWN_GAPS, meter.unknown_gaps, component=component)
            if meter.watts is not None:
                out.add(metrics.POWER, meter.watts, component=component)
        if reading := self._meters.reading:
            out.add(metrics.INFO, guest=reading.guest, way=self._source.way)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Guest,)
