"""A collector that polls many devices, each with its own deadline, health and energy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from collector_core.collector import Collector, Context
from collector_core.devices.health import DeviceHealth
from collector_core.devices.meters import DeviceMeters, Measured
from collector_core.devices.options import Device, DevicesConfig
from collector_core.errors import NotAvailable, Reason, describe, fix_of, reason_of
from collector_core.metering.meters import EnergyMeter, Supply
from collector_core.model.readings import Readings
from collector_core.plugins.hookspecs import hookimpl
from collector_core.polling.targets import Targets

DeviceT = TypeVar("DeviceT", bound=Device)
AnswerT = TypeVar("AnswerT")


def _no_device(plugin: str, example: str) -> NotAvailable:
    """Why a collector of devices has nothing to do; `example` is an entry of `devices` as in a configuration file."""
    fix = f"name one: `{plugin}: {{options: {{devices: [{example}]}}}}`"
    return NotAvailable(Reason.NOT_FOUND, "no device is configured", fix=fix)


class PolledDevices(Collector[DevicesConfig[DeviceT]], Generic[DeviceT, AnswerT]):
    """Polls every device of the option `devices`: one that hangs, fails or refuses costs the others nothing.

    A subclass declares `config_type` (a `DevicesConfig`), `health` (with its metrics among `metrics`), `example` (an
    entry of `devices`) and where its devices stand in the `supply` of a machine, and implements `ask`, `measure` and
    `publish`; `meters` knows the devices' own counters. With `probe_port` and `probe`, `find` finds its devices.
    `silence_fix` says what to check where a device says nothing.
    """

    default_interval = 10.0
    default_timeout = 10.0
    default_max_series = 20_000
    only_configured = True

    health: ClassVar[DeviceHealth]
    example: ClassVar[str]
    supply: ClassVar[Supply] = Supply.PLUG
    probe_port: ClassVar[int | None] = None
    silence_fix: ClassVar[str] = "check that it is switched on and reachable from here, or raise `timeout`"

    def __init__(self, config: DevicesConfig[DeviceT], ctx: Context) -> None:
        super().__init__(config, ctx)
        self._devices: dict[str, DeviceT] = {device.name: device for device in config.devices}
        self._targets: Targets[DeviceT, AnswerT] = Targets(ctx, self._devices, self._ask)
        self.meters = DeviceMeters(self.name, self.supply, ctx.interval, config.devices)

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never there by itself: the configuration must name its devices."""
        del ctx
        return _no_device(cls.name, cls.example)

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """Whether such a device answers there, for `energy-collector find`: its entry of `devices`, with a `name`.

        None stands for what only its owner knows, such as a password. Raises whatever it likes where none answers.
        Asked only where `probe_port` says at which port.
        """
        del port
        raise NotAvailable(Reason.NOT_SUPPORTED, f"{cls.name} cannot look for devices at {host}")

    @classmethod
    def candidates(cls, ctx: Context) -> Iterable[Mapping[str, Any]]:
        """What of this machine may be such a device, for `energy-collector find`: entries of `devices` to complete.

        As for `probe`, None stands for what only its owner knows. Nothing is opened.
        """
        del ctx
        return ()

    @abstractmethod
    async def ask(self, device: DeviceT) -> AnswerT:
        """What a device says now; whatever goes wrong in here is a failure of this device alone."""

    @abstractmethod
    def measure(self, answer: AnswerT) -> Iterable[Measured]:
        """What of an answer is power and energy, for the ledger."""

    @abstractmethod
    def publish(self, out: Readings, device: DeviceT, answer: AnswerT) -> None:
        """Show what a device said."""

    async def collect(self, out: Readings) -> None:
        """Ask the devices that are due and show what each said; raises `NotAvailable` where there is none."""
        if not self._devices:
            raise _no_device(self.name, self.example)
        await self._targets.refresh()
        answers, failures = self._targets.answers, self._targets.failures
        self.meters.begin_run()
        for name, device in self._devices.items():
            if name in answers:
                self._show(out, device, answers[name])
            elif name in failures:
                self.health.add_down(out, name, self._with_fix(failures[name]))

    async def close(self) -> None:
        """Hang up."""
        await self._targets.close()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The devices that tell power or energy; those that do not answer know nothing."""
        return self.meters.offered

    def _with_fix(self, error: Exception) -> Exception:
        """What is logged first is that there is no answer yet: it says what helps, too."""
        is_silence = reason_of(error) is Reason.TIMEOUT and not fix_of(error)
        return NotAvailable(Reason.TIMEOUT, describe(error), fix=self.silence_fix) if is_silence else error

    async def _ask(self, _: str, device: DeviceT) -> AnswerT:
        return await self.ask(device)

    def _show(self, out: Readings, device: DeviceT, answer: AnswerT) -> None:
        self.health.add_up(out, device.name)
        said = self._targets.last(device.name)
        now = said.time if said else self.ctx.clock.monotonic()
        with out.part(device=device.name):
            for measured in self.measure(answer):
                self.meters.record(device, measured, now)
            self.publish(out, device, answer)
