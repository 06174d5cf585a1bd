"""Power, energy and load of NVIDIA GPUs, on this machine and on others over ssh."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from collector_plugins.nvidia.energymeters import energy_meters
from collector_plugins.nvidia.gpu import Answer, Gpu
from collector_plugins.nvidia.host_reader import HostReader
from collector_plugins.nvidia.quicknvml import QuickNvml

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
        self._readers = {reader.host: reader for reader in self._new_readers()}
        patience = PATIENCE * min(ctx.interval, ctx.timeout)
        self._targets = Targets(ctx, self._readers, _read, patience=patience, deadline=ctx.timeout)
        self._nvml = QuickNvml()
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
        answers = self._targets.answers
        self._energy_meters = tuple(self._meters_of(answers))
        for host, reader in self._readers.items():
            self._publish_host(out, reader, answers.get(host))
        _publish_cluster(out, answers.values())

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The GPUs of this machine, as of the last run; not those of other hosts, nor simulated ones."""
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
            source = sources.local_source(config, ctx.clock)
            yield HostReader(own_name, source, ctx, optional=config.local is Local.AUTO, here=True)
        for host in config.hosts:
            source = sources.ssh_source(host, config, ctx.timeout)
            yield HostReader(host.label, source, ctx, limit=host.power_limit_watts)

    def _meters_of(self, answers: Mapping[str, Answer]) -> Iterator[EnergyMeter]:
        for host, answer in answers.items():
            reader = self._readers[host]
            if reader.here and self.config.local is not Local.DEMO:
                yield from energy_meters(reader, answer.gpus, self._nvml, self.ctx.clock)

    def _publish_host(self, out: Readings, reader: HostReader, answer: Answer | None) -> None:
        """A host without an answer is shown as down, but not this machine where `auto` finds no GPU."""
        if answer is not None:
            out.add(metrics.HOST_UP, 1, host=reader.host, source=reader.source.name)
            with out.part(host=reader.host):
                _publish(out, reader, answer)
        elif found := self._targets.failures.get(reader.host):
            error = reader.explained(NotAvailable, found)
            if not (reader.optional and error.reason is Reason.NOT_FOUND):
                _publish_down(out, reader, error)
        if reader.source.connections is not None:
            out.add(metrics.HOST_CONNECTIONS, reader.source.connections, host=reader.host)


async def _read(_: str, reader: HostReader) -> Answer:
    return await reader.read()


def _publish_down(out: Readings, reader: HostReader, error: NotAvailable) -> None:
    host = {"host": reader.host, "source": reader.source.name}
    out.add(metrics.HOST_UP, 0, **host)
    out.add(metrics.HOST_UNAVAILABLE, **host, reason=error.reason)
    with out.part(host=reader.host):
        raise error


def _publish(out: Readings, reader: HostReader, answer: Answer) -> None:
    out.add(metrics.HOST_GPUS, len(answer.gpus), host=reader.host)
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


def _publish_cluster(out: Readings, answers: Iterable[Answer]) -> None:
    found = list(answers)
    out.add(metrics.HOSTS_REPORTING, len(found))
    powers = [gpu.power for gpu in chain.from_iterable(answer.gpus for answer in found) if gpu.power is not None]
    if powers:
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
