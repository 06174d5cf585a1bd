"""Watts where nothing counts them: of processors and memory by a model of their load, marked as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from collector_core import (
    Collector,
    Context,
    Counter,
    EnergyMeter,
    Info,
    NotAvailable,
    Readings,
    Subcommands,
    Unit,
    hookimpl,
)
from collector_plugins.estimate.activity import Cpus
from collector_plugins.estimate.components import calibrated_components, estimated_components
from collector_plugins.estimate.config import Config
from collector_plugins.estimate.machine import Machine, read_machine
from collector_plugins.estimate.meter import Estimator
from collector_plugins.estimate.sizing import Origin, Sizing, size

MODEL = Info(
    "estimate_model_info",
    "What the estimate is based on: the processor, how many sockets or which share of one, its TDP and the source of "
    "it (table, family, configured, unknown), or the model file.",
    ("cpu", "sockets", "share", "tdp_watts", "source", "calibrated"),
    of="host",
    title="Model of the estimate",
)
UNKNOWN_GAPS = Counter(
    "estimate_unknown_gaps_total",
    "Times the energy between two readings could not be known and was left out, as after a suspend.",
    Unit.NONE,
    of="host",
)

_FIX_ROOT = "mount the host's /proc below `root`, e.g. docker run -v /proc:/host/proc:ro, with root: /host"


class Estimate(Collector[Config]):
    """Hands over meters of method `model` for the processors and the memory of this machine."""

    name = "estimate"
    metrics = (MODEL, UNKNOWN_GAPS)
    config_type = Config
    needs_two_runs = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._estimator: Estimator | None = None
        self._energy_meters: tuple[EnergyMeter, ...] = ()
        self._info: Mapping[str, str] = {}

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Available wherever there are CPU times, in virtual machines and containers too."""
        stat = ctx.path("/proc/stat")
        return None if stat.exists() else NotAvailable("not_found", f"{stat} does not exist", fix=_FIX_ROOT)

    def open(self) -> None:
        """Find out what machine this is; raises `NotAvailable` where the options do not fit it."""
        if problem := self.detect(self.ctx):
            raise problem
        if self._estimator is None:
            self._estimator = self._new_estimator()

    def collect(self, out: Readings) -> None:
        """Read the CPUs; raises `NotAvailable` where their times are gone."""
        self.open()
        assert self._estimator is not None  # noqa: S101 - open has made it
        self._estimator.update()
        self._energy_meters = self._energy_meters or self._estimator.meters()
        out.add(MODEL, **self._info)
        out.add(UNKNOWN_GAPS, self._estimator.unknown_gaps)

    def close(self) -> None:
        """Hand over no meters any more; those of the next run go on from their joules."""
        self._energy_meters = ()
        if self._estimator is not None:
            self._estimator.forget()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """Processors, and memory where its size is known."""
        return self._energy_meters

    def _new_estimator(self) -> Estimator:
        machine, model = read_machine(self.ctx.path), self.config.model
        sizing = size(machine, self.config.tdp_watts)
        self._check(machine, sizing)
        if model is None:
            components = estimated_components(machine, sizing, self.config.idle_watts)
        else:
            components = calibrated_components(machine, sizing, model)
        self._info = _info(machine, sizing, calibrated=model is not None)
        return Estimator(Cpus(self.ctx, machine.cpu.names), components, self.ctx.clock)

    def _check(self, machine: Machine, sizing: Sizing) -> None:
        idle, model = self.config.idle_watts, self.config.model
        if idle is not None and idle > sizing.tdp_watts:
            detail = f"idle_watts is {idle:g}, more than the TDP of {machine.name}, {sizing.tdp_watts:g} W"
            raise NotAvailable("bad_data", detail, fix="correct idle_watts, or give tdp_watts too")
        if model is not None and (difference := model.differs_from(machine)):
            detail = f"{self.config.model_file} is of another machine: {difference}"
            raise NotAvailable("not_supported", detail, fix="run `energy-collector calibrate cpu` on this machine")


def _info(machine: Machine, sizing: Sizing, *, calibrated: bool) -> Mapping[str, str]:
    return {
        "cpu": machine.name,
        "sockets": str(machine.cpu.sockets),
        "share": sizing.share,
        "tdp_watts": "unknown" if sizing.source is Origin.UNKNOWN else f"{sizing.tdp_watts:g}",
        "source": Origin.MODEL_FILE if calibrated else sizing.source,
        "calibrated": str(calibrated).lower(),
    }


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The collectors of this plugin."""
    return (Estimate,)


@hookimpl
def collector_commands(subcommands: Subcommands) -> None:
    """`energy-collector calibrate cpu`: users calibrate a processor, not an estimate."""
    from collector_plugins.estimate.calibrate import calibrate  # noqa: PLC0415 - only its command needs it

    subcommands.add("calibrate", calibrate, name="cpu")
