"""Power, energy and load of NVIDIA GPUs, on this machine and on others over ssh."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from collector_core import (
    Collector,
    Context,
    EnergyMeter,
    NoTargetAvailable,
    NotAvailable,
    Readings,
    Reason,
    Targets,
    hookimpl,
)
from collector_plugins.nvidia import metrics, sources
from collector_plugins.nvidia.config import Config, Local
from collector_plugins.nvidia.energymeters import energy_meters, meters_of_host
from collector_plugins.nvidia.gpu import Gpu, HostReading
from collector_plugins.nvidia.host_reader import HostReader
from collector_plugins.nvidia.pci import DEVICES, DRIVERS_GPUS, Look, PciBus, none_known
from collector_plugins.nvidia.quicknvml import QuickNvml
from collector_plugins.nvidia.turns import Turns

PATIENCE = 0.8  # of the time until the next run: whoever has not answered by then is shown by that one


class Nvidia(Collector[Config]):
    """Reads the GPUs of this machine and of every host at once; each may fail, hang or come late alone."""

    name = "nvidia"
    metrics = (*metrics.GPU_METRICS, *metrics.HOST_METRICS)
    config_type = Config
    default_timeout = 10.0
    default_max_series = 100_000  # 200 hosts with 8 GPUs have half as many
    needs_two_runs = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._look = self._new_look()
        self._readers = {reader.host: reader for reader in self._new_readers()}
        patience = PATIENCE * min(ctx.interval, ctx.timeout)
        self._targets = Targets(ctx, self._readers, _read, patience=patience, deadline=ctx.timeout)
        self._nvml = QuickNvml(self._look)
        self._energy_meters: tuple[EnergyMeter, ...] = ()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """None where this machine seems to have NVIDIA GPUs."""
        del ctx
        return sources.probe(cls.config_type().nvidia_smi)

    @property
    def labels(self) -> Mapping[str, str]:
        """What is simulated says so."""
        return {"demo": "true"} if self.config.local is Local.DEMO else {}

    async def collect(self, out: Readings) -> None:
        """Read all that are due, show what each said last; raises `NotAvailable` where this machine is the only one."""
        await self._targets.refresh()
        if not self.config.hosts and len(self._readers) == 1:
            self._raise_if_this_machine_fails()
        answers, faults = self._targets.answers, dict(self._faults())
        self._energy_meters = tuple(self._meters_of(answers))
        _publish_cluster(out, answers, hosts=len(answers) + len(faults))
        for host, reader in self._readers.items():
            if host in answers:
                self._publish_up(out, reader, answers[host])
            elif host in faults:
                _publish_down(out, reader, faults[host])
            if reader.source.connections is not None:
                out.add(metrics.HOST_CONNECTIONS, reader.source.connections, host=host)
        for host, answer in answers.items():
            with out.part(host=host):
                _publish_gpus(out, self._readers[host], answer)

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The GPUs of this machine and of other hosts, as of the last run; not simulated ones."""
        return self._energy_meters

    async def close(self) -> None:
        """End all reads and hang up."""
        self._nvml.close()
        await self._targets.close()
        for reader in self._readers.values():
            await reader.source.close()

    def _raise_if_this_machine_fails(self) -> None:
        (reader,) = self._readers.values()
        try:
            self._targets.raise_if_all_failed()
        except NoTargetAvailable as error:
            raise reader.explained(NoTargetAvailable, error) from None

    def _new_readers(self) -> Iterator[HostReader]:
        config, ctx = self.config, self.ctx
        own_name = config.local_name or platform.node()
        # A machine that lists itself too, as where all share one configuration, must not be read twice.
        if config.local is not Local.OFF and own_name not in {host.label for host in config.hosts}:
            source = sources.local_source(config, ctx.clock, self._look)
            yield HostReader(own_name, source, ctx, optional=config.local is Local.AUTO, here=True)
        turns = Turns()
        for host in config.hosts:
            source = sources.ssh_source(host, config, ctx.timeout, ctx.clock, turns)
            yield HostReader(host.label, source, ctx, limit=host.power_limit_watts)

    def _meters_of(self, answers: Mapping[str, HostReading]) -> Iterator[EnergyMeter]:
        for host, answer in answers.items():
            reader = self._readers[host]
            if not reader.here:
                yield from meters_of_host(reader, answer.gpus, self.ctx.interval)
            elif self.config.local is not Local.DEMO:
                yield from energy_meters(reader, answer.gpus, self._nvml, self.ctx.clock)

    def _new_look(self) -> Look:
        """Finds the GPUs of this machine and whether they sleep, where that matters."""
        if not self.config.let_gpus_sleep or self.config.local in (Local.OFF, Local.DEMO):
            return none_known
        return PciBus(self.ctx.path(DEVICES), self.ctx.path(DRIVERS_GPUS), self.ctx.clock).look

    def _publish_up(self, out: Readings, reader: HostReader, answer: HostReading) -> None:
        """What is known of a host that can be read, beside its GPUs."""
        host, said = reader.host, self._targets.last(reader.host)
        read_at = min((gpu.time for gpu in answer.gpus if gpu.time is not None), default=said.time if said else None)
        out.add(metrics.HOST_UP, 1, host=host, source=reader.source.name)
        out.add(metrics.HOST_GPUS, len(answer.gpus) + len(answer.asleep), host=host)
        if read_at is not None:
            out.add(metrics.HOST_ANSWER_AGE, max(0.0, self.ctx.clock.monotonic() - read_at), host=host)

    def _faults(self) -> Iterator[tuple[str, NotAvailable]]:
        """Why each host without an answer has none; that `auto` finds no GPU on this machine is no fault."""
        for host, found in self._targets.failures.items():
            reader = self._readers[host]
            error = reader.explained(NotAvailable, found)
            if not (reader.optional and error.reason is Reason.NOT_FOUND):
                yield host, error


async def _read(_: str, reader: HostReader) -> HostReading:
    return await reader.read()


def _publish_down(out: Readings, reader: HostReader, error: NotAvailable) -> None:
    host = {"host": reader.host, "source": reader.source.name}
    out.add(metrics.HOST_UP, 0, **host)
    out.add(metrics.HOST_UNAVAILABLE, **host, reason=error.reason)
    with out.part(host=reader.host):
        raise error


def _publish_gpus(out: Readings, reader: HostReader, answer: HostReading) -> None:
    for each in answer.pci:
        out.add(metrics.GPU_ASLEEP, each.asleep, host=reader.host, pci=each.address)
    for gpu in answer.gpus:
        _publish_gpu(out, reader, gpu)
    for what, error in answer.failures.items():
        with out.part(host=reader.host, what=what):
            raise error.with_traceback(None)


def _publish_gpu(out: Readings, reader: HostReader, gpu: Gpu) -> None:
    labels = {"host": reader.host, "gpu": gpu.index, "uuid": gpu.uuid}
    for (metric, extra), value in gpu.series.items():
        if metric is not metrics.POWER_LIMIT:
            out.add(metric, value, **labels, **dict(zip(metric.labels[3:], extra, strict=True)))
    limit = reader.limit or gpu.power_limit
    usage = gpu.power / limit if gpu.power is not None and limit else None
    out.add_row((metrics.POWER_LIMIT, metrics.POWER_LIMIT_USAGE), (limit, usage), **labels)
    _publish_energy(out, reader, gpu, labels)
    if gpu.problems:
        with out.part(**labels):
            raise ValueError("; ".join(gpu.problems))


def _publish_energy(out: Readings, reader: HostReader, gpu: Gpu, labels: Mapping[str, str]) -> None:
    energy = reader.energy(gpu)
    if energy.method is None:
        return
    out.add(metrics.ENERGY, energy.joules, **labels)
    out.add(metrics.ENERGY_METHOD, **labels, method=energy.method)
    out.add(metrics.ENERGY_GAPS, energy.unknown_gaps, **labels)
    if energy.disagreement is not None:
        row = (metrics.ENERGY_INTEGRAL, metrics.ENERGY_DISAGREEMENT)
        out.add_row(row, (energy.integral, energy.disagreement), **labels)


def _publish_cluster(out: Readings, answers: Mapping[str, HostReading], hosts: int) -> None:
    """A sum without one of the hosts would look like the whole."""
    out.add(metrics.HOSTS, hosts)
    out.add(metrics.HOSTS_REPORTING, len(answers))
    gpus = chain.from_iterable(answer.gpus for answer in answers.values())
    powers = [gpu.power for gpu in gpus if gpu.power is not None]
    if powers and len(answers) == hosts:
        out.add(metrics.CLUSTER_POWER, sum(powers))


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Nvidia]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.nvidia.simulation import DemoNvidia  # noqa: PLC0415 - no other command needs it

    return [DemoNvidia]
