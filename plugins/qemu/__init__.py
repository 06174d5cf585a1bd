"""Isolated power and carbon of every QEMU virtual machine on this host, by the cinergy model."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from collector_core import ApiError, Collector, Context, EnergyMeter, NotAvailable, Readings, Subcommands, hookimpl
from collector_plugins.qemu import metrics
from collector_plugins.qemu.config import Config
from collector_plugins.qemu.energymeters import GuestMeters
from collector_plugins.qemu.guest_scan import GuestScan, Run, count_guests
from collector_plugins.qemu.labels import GuestLabels
from collector_plugins.qemu.routes import Api
from collector_plugins.qemu.view import View

if TYPE_CHECKING:
    from aiohttp import web

# As for series: without a good run for so long there is nothing to answer from.
STALE_INTERVALS = 3
SHORTEST_STALE_SECONDS = 5.0

_FIX = (
    "fit one with `energy-collector calibrate qemu`, then add "
    "`qemu: {options: {model_file: qemu-model.json}}` below `collectors:`"
)


class Qemu(Collector[Config]):
    """Finds the QEMU guests of this host and reckons what each would draw if it were alone."""

    name = "qemu"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 1.0
    default_max_series = 50_000
    needs_two_runs = True
    only_configured = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._labels = GuestLabels()
        self._scan: GuestScan | None = None
        self._view: View | None = None
        self._unknown_gaps = 0
        self._meters = GuestMeters(ctx.interval)

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never by itself: only its user knows what the host draws."""
        guests = count_guests(ctx)
        there = f"{guests} QEMU guests run here" if guests else "no QEMU guest runs here"
        return NotAvailable("not_found", f"{there}, and no model says what the host draws", fix=_FIX)

    def open(self) -> None:
        """Look at the host; raises `NotAvailable` where there is no /proc, or no number of cores."""
        self.close()
        self._scan = GuestScan(self.ctx, self.config.power, self._labels)
        if self.config.power.port is not None:
            self.ctx.logger.info(
                "cinergy served on port %d; where energy-collector serves is its own key `listen`",
                self.config.power.port,
            )

    def collect(self, out: Readings) -> None:
        """Read every guest once; one that cannot be read is dropped and counted."""
        if self._scan is None:
            self.open()
        assert self._scan is not None  # noqa: S101 - open has made it
        run = self._scan.run()
        self._view = View(self._scan.meter, run.columns, self.ctx.clock.monotonic())
        self._unknown_gaps += run.is_after_gap
        labels = [guest.labels for guest in run.columns.guests]
        for metric, column in zip(metrics.OF_A_VM, run.columns.published, strict=True):
            out.add_column(metric, labels[: len(column)], column)
        for name, error in run.broken:
            with out.part(vm=name):
                raise error
        out.add(metrics.VMS, len(labels) + len(run.broken))
        out.add(metrics.UNKNOWN_GAPS, self._unknown_gaps)
        if run.busy_cores is not None:
            self._publish_host(out, run, run.busy_cores)

    def close(self) -> None:
        """Let go of every file; what was counted under each guest's name stays."""
        self._view = None
        if self._scan is not None:
            self._scan.close()
            self._scan = None

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """REST: /power and /carbon as cinergy has them, and /api/v1/vms."""
        return Api(self._latest).routes()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """Each guest, as a part of the processors."""
        view = self._view
        return self._meters.of(view) if view else ()

    def _latest(self) -> View:
        """The last run, on whatever thread; raises `ApiError` while there is none."""
        view = self._view
        oldest = self.ctx.clock.monotonic() - max(STALE_INTERVALS * self.ctx.interval, SHORTEST_STALE_SECONDS)
        if view is None or view.read_at < oldest:
            error = f"collector {self.ctx.name} has no fresh readings; /api/v1/collectors says why"
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error)
        return view

    def _publish_host(self, out: Readings, run: Run, busy_cores: float) -> None:
        """What the guests together leave over; they are not read at quite the same moment, hence the 0."""
        out.add(metrics.HOST_CPU_USAGE, busy_cores)
        out.add(metrics.UNACCOUNTED_CPU, max(0.0, busy_cores - sum(run.columns.cores)))
        watts = self._scan.meter.host_watts(busy_cores) if self._scan else None
        if watts is not None:
            rest = watts - sum(run.columns.total)
            if rest >= 0:
                out.add(metrics.UNACCOUNTED_POWER, rest)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The collector of this plugin."""
    return (Qemu,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.qemu.demo import DemoQemu  # noqa: PLC0415 - no other command needs it

    return (DemoQemu,)


@hookimpl
def collector_commands(subcommands: Subcommands) -> None:
    """`energy-collector calibrate qemu`."""
    from collector_plugins.qemu.calibrate import calibrate  # noqa: PLC0415 - no other command needs it

    subcommands.add("calibrate", calibrate)
