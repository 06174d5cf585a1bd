"""Simulated hosts with GPUs, for `run --demo`: this machine, others over ssh, and one that is down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from collector_core import Component, EnergyMeter, EnergyMethod, NotAvailable, Reason
from collector_core.demo.rack import DemoGpu, Rack
from collector_plugins.nvidia import Nvidia
from collector_plugins.nvidia.demo import Demo
from collector_plugins.nvidia.energymeters import PERIOD_SECONDS, UNCERTAINTY, meters_of_host
from collector_plugins.nvidia.gpu import HostReading
from collector_plugins.nvidia.host_reader import HostReader
from collector_plugins.nvidia.sources import Missing


class DemoNvidia(Nvidia):
    """The simulated hosts; reads nothing and connects to nothing."""

    def _new_readers(self) -> Iterator[HostReader]:
        rack, ctx = Rack(), self.ctx
        for host, gpus in _by_host(rack.gpus).items():
            here = host == rack.host
            source = Demo(ctx.clock, gpus, counts=here)
            source.name = "nvml" if here else "ssh"
            yield HostReader(host, source, ctx, here=here)
        down = NotAvailable(Reason.UNREACHABLE, "this simulated host is down", fix=f"ssh {rack.host_down} true")
        yield HostReader(rack.host_down, Missing("ssh", down), ctx)

    def _meters_of(self, answers: Mapping[str, HostReading]) -> Iterator[EnergyMeter]:
        """As the real ones, but that nobody asks a driver."""
        for host, answer in answers.items():
            reader = self._readers[host]
            if not reader.here:
                yield from meters_of_host(reader, answer.gpus, self.ctx.interval)
                continue
            for gpu in answer.gpus:
                latest = reader.energy(gpu).latest
                method = EnergyMethod.NVML_COUNTER
                uncertainty = UNCERTAINTY[method]
                yield EnergyMeter(Component.GPU, gpu.uuid, method, uncertainty, PERIOD_SECONDS, latest, read=latest)


def _by_host(gpus: Sequence[DemoGpu]) -> Mapping[str, Sequence[DemoGpu]]:
    return {host: [gpu for gpu in gpus if gpu.host == host] for host in dict.fromkeys(gpu.host for gpu in gpus)}
