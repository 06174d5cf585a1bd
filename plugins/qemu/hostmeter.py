"""The host's energy, as another collector counts it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from collector_core import CommandContext, NotAvailable
from collector_core.metering import account_of, choose

DEFAULT = "rapl"

_ENERGY = "_energy_joules_total"
_OTHER = "name another collector that counts the host's joules with `--meter`, such as that of a plug"


class HostMeter:
    """The energy of one collector: its energy meters that add up to this machine.

    Of one that hands over none, or where `labels` are given, its `…_energy_joules_total` counts, as far as the series
    have these labels.
    """

    def __init__(self, context: CommandContext, collector: str, labels: Mapping[str, str]) -> None:
        self._context = context
        self.collector = collector
        self._labels = labels.items()

    def joules(self) -> Mapping[Hashable, float]:
        """Energy since the collector started, by meter; raises `NotAvailable` where there is none."""
        found = (not self._labels and self._of_meters()) or self._of_series()
        if not found:
            detail = f"collector {self.collector} counts no energy of this host"
            raise NotAvailable("not_found", detail, fix=_OTHER)
        return found

    def _of_meters(self) -> dict[Hashable, float]:
        meters = choose(self._context.energy_meters(self.collector))
        return {account_of(meter): reading.joules for meter in meters if (reading := meter.latest())}

    def _of_series(self) -> dict[Hashable, float]:
        return {
            tuple(sorted(sample.labels.items())): sample.value
            for sample in self._context.read(self.collector)
            if sample.metric.endswith(_ENERGY) and self._labels <= sample.labels.items()
        }
