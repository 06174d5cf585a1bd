"""Simulated guests, for `run --demo`: those of the demo rack, through the plugin's own power model."""

from __future__ import annotations

from collector_core import Context, Field
from collector_core.demo import Totals
from collector_core.demo.rack import DemoGuest, Rack
from collector_core.procfs import CLOCK_TICKS_PER_SECOND, KeptFile
from collector_plugins.qemu import Qemu
from collector_plugins.qemu.cmdline import Description
from collector_plugins.qemu.config import Config, Power
from collector_plugins.qemu.guest import Guest
from collector_plugins.qemu.guest_scan import GAP_INTERVALS, SHORTEST_GAP_SECONDS, GuestScan, Run
from collector_plugins.qemu.host import Host
from collector_plugins.qemu.labels import Totals as GuestTotals
from collector_plugins.qemu.meter import Meter

FIRST_PID = 4101


class DemoConfig(Config):
    """The plugin's options, with defaults for a demo."""

    coefficients: tuple[float, ...] | None = Field(
        Rack.coefficients, description="Watts of the demo rack at x busy cores."
    )
    fitted_range: tuple[float, float] | None = Field(
        (0.0, float(Rack.cores)), description="Loads that the demo's coefficients hold for."
    )
    cinergy_ratio: float = Field(0.85, ge=0, le=1, description="Share of the dynamic power that counts in the demo.")
    server_cores: int | None = Field(Rack.cores, description="Cores of the demo rack.")
    pue: float = Field(1.25, ge=1, description="Power usage effectiveness of the demo's building.")
    emission_factor: float | None = Field(340.0, ge=0, description="Carbon intensity in the demo, in g per kWh.")


class DemoHost(Host):
    """The demo rack's processors."""

    def __init__(self, rack: Rack) -> None:
        self._cores = rack.cores
        self.cpus = rack.cores

    def physical_cores(self) -> int | None:
        """Cores of the rack."""
        return self._cores


class DemoGuestScan(GuestScan):
    """Makes of the demo rack's guests what a real host's would give."""

    def __init__(self, ctx: Context, power: Power, rack: Rack) -> None:
        self._clock = ctx.clock
        self._rack = rack
        self._cpu_seconds = Totals()
        self.meter = Meter(power, DemoHost(rack), max(GAP_INTERVALS * ctx.interval, SHORTEST_GAP_SECONDS))
        now, when = ctx.clock.monotonic(), ctx.clock.time()
        self._guests = [
            (simulated, _guest(FIRST_PID + number, simulated, now)) for number, simulated in enumerate(rack.guests)
        ]
        self._totals = {guest: GuestTotals(0) for _, guest in self._guests}
        for simulated in rack.guests:
            self._ticks(simulated, when)

    def run(self) -> Run:
        """Take every guest on to now."""
        now, when = self._clock.monotonic(), self._clock.time()
        for simulated, guest in self._guests:
            guest.account(self._ticks(simulated, when), now)
        return Run(self.meter.take(self._totals), (), self._rack.busy_cores(when), is_after_gap=False)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _ticks(self, guest: DemoGuest, when: float) -> int:
        return int(CLOCK_TICKS_PER_SECOND * self._cpu_seconds.grow(guest.name, guest.busy_cores(when), when))


class DemoQemu(Qemu):
    """The simulated guests; reads nothing."""

    config_type = DemoConfig

    def open(self) -> None:
        """Begin to follow the guests; what was counted goes on."""
        if self._scan is None:
            self._scan = DemoGuestScan(self.ctx, self.config.power, Rack())

    def close(self) -> None:
        """There is nothing to let go of."""


def _guest(pid: int, simulated: DemoGuest, now: float) -> Guest:
    return Guest(
        pid=str(pid),
        start=pid,
        stat=KeptFile("", is_kernels=False, keep_open=False),
        description=Description(simulated.name, simulated.uuid, vcpus=simulated.vcpus),
        ticks=0,
        read_at=now,
        vcpus=simulated.vcpus,
        labels=(simulated.name, simulated.uuid),
    )
