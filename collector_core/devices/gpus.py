"""A collector of GPUs that need no library: the kernel says what they draw."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from collector_core.collector import Collector, CollectorConfig, Context
from collector_core.devices import gpu_metrics as metrics
from collector_core.devices.followed_gpu import FollowedGpu, GpuReading
from collector_core.devices.found import FoundDevices
from collector_core.devices.gpu_cards import DRM, PCI, GpuCard, find_gpu_cards
from collector_core.errors import NotAvailable, Reason
from collector_core.metering.meters import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_core.model.metrics import Metric
from collector_core.model.readings import Readings
from collector_core.plugins.hookspecs import hookimpl

ConfigT = TypeVar("ConfigT", bound=CollectorConfig)

COUNTER = "gpu_counter"
UNCERTAINTY = 0.1  # amdgpu and xe state none; boards are within 5 to 10 % of a meter


class SysfsGpus(Collector[ConfigT], Generic[ConfigT]):
    """Reads every GPU of some drivers on a thread of its own, and leaves those alone that sleep, or could.

    A subclass declares `drivers` and implements `read`.
    """

    metrics: ClassVar[tuple[Metric, ...]] = metrics.ALL
    default_interval = 5.0
    default_timeout = 5.0
    needs_two_runs = True

    drivers: ClassVar[frozenset[str]]

    def __init__(self, config: ConfigT, ctx: Context) -> None:
        super().__init__(config, ctx)
        folders = [ctx.path("/sys") / folder for folder in (DRM, PCI)]
        self._devices = FoundDevices(ctx, self._find, self._read, folders)
        self._gpus: dict[str, FollowedGpu] = {}
        self._awake: set[str] = set()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """None where there is a GPU of these drivers."""
        return None if find_gpu_cards(ctx.path("/sys"), cls.drivers) else cls._nothing()

    @abstractmethod
    def read(self, card: GpuCard) -> GpuReading:
        """What a GPU says that is awake; what goes wrong in here is a failure of this GPU alone."""

    def collect(self, out: Readings) -> None:
        """Read all GPUs that are awake; raises `NotAvailable` where there is none."""
        self._awake = set()
        for address, answer in self._devices.poll(out, self._nothing(), label="gpu"):
            card, reading = answer.value
            if reading is not None:
                self._awake.add(address)
            with out.part(gpu=address):
                _show(out, card, reading, self._gpus[address].joules)

    def close(self) -> None:
        """Let go of what is under way."""
        self._devices.close()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The GPUs that tell power or energy."""
        return [self._meter(address, gpu) for address, gpu in tuple(self._gpus.items()) if gpu.energy.latest()]

    def _find(self) -> dict[str, GpuCard]:
        cards = find_gpu_cards(self.ctx.path("/sys"), self.drivers)
        for address in cards:
            self._gpus.setdefault(address, FollowedGpu(self.ctx.clock, self.ctx.interval))
        return cards

    def _read(self, card: GpuCard) -> tuple[GpuCard, GpuReading | None]:
        return card, self._gpus[card.address].read(card, self.read)

    def _meter(self, address: str, gpu: FollowedGpu) -> EnergyMeter:
        def latest() -> EnergyReading | None:
            return gpu.energy.latest() if address in self._awake else None

        return EnergyMeter(
            Component.GPU,
            address,
            EnergyMethod.POWER_INTEGRAL if gpu.energy.counted is None else COUNTER,
            UNCERTAINTY,
            self.ctx.interval,
            latest,
            read=latest,
            inside=Component.CPU if gpu.is_shared else None,
        )

    @classmethod
    def _nothing(cls) -> NotAvailable:
        names = " or ".join(sorted(cls.drivers))
        return NotAvailable(
            Reason.NOT_FOUND,
            f"there is no GPU that the driver {names} drives",
            fix="`lspci -k` lists the GPUs and their drivers; a container needs the host's /sys",
        )


def _show(out: Readings, card: GpuCard, reading: GpuReading | None, joules: float | None) -> None:
    labels = {"gpu": card.address, "driver": card.driver}
    out.add(metrics.ASLEEP, reading is None, **labels)
    out.add(metrics.INFO, **labels, name=card.model)
    if reading is None:
        return
    row = (
        metrics.POWER,
        metrics.ENERGY,
        metrics.UTILIZATION,
        metrics.TEMPERATURE,
        metrics.MEMORY_USED,
        metrics.MEMORY_TOTAL,
    )
    values = (
        reading.watts,
        joules,
        reading.utilization,
        reading.celsius,
        reading.memory_used,
        reading.memory_total,
    )
    out.add_row(row, values, **labels)
