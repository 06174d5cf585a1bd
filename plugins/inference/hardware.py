"""What runs where: the models that are served on this machine's GPUs, and what a request costs there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collector_plugins.inference import metrics
from collector_plugins.inference.config import Server
from collector_plugins.inference.gpus import Gpu, matching, mean_load, total_watts
from collector_plugins.inference.published_model import PublishedModel

_ENERGIES = {metrics.REQUEST_RATE: metrics.ENERGY, metrics.TOKEN_RATE: metrics.ENERGY_PER_TOKEN}


@dataclass
class Place:
    """Where one model runs: the GPUs of this machine that it may use, and whether it runs nowhere else."""

    gpus: frozenset[Gpu] = frozenset()
    only_here: bool = True

    def add(self, server: Server, gpus: Iterable[Gpu]) -> None:
        """One more server that has the model."""
        self.only_here &= server.is_local
        if server.is_local:
            self.gpus |= matching(gpus, server.gpus)


def complete(shown: Mapping[str, PublishedModel], places: Mapping[str, Place]) -> None:
    """Add load and joules per request and per token to models that run on this machine alone.

    Joules are the power of the GPUs by the requests or tokens per second. They are left out where nothing was served,
    and where another model may have been served by the same GPUs: nobody knows then whose joules were whose.
    """
    for model, place in places.items():
        if not place.only_here:
            continue
        values = shown[model].values
        if metrics.UTILIZATION not in values and (load := mean_load(place.gpus)) is not None:
            values[metrics.UTILIZATION] = load
        watts = total_watts(place.gpus)
        others = (shown[name] for name, other in places.items() if name != model and other.gpus & place.gpus)
        if watts is None or not all(map(_is_idle, others)):
            continue
        for rate, energy in _ENERGIES.items():
            if values.get(rate):
                values[energy] = watts / values[rate]


def _is_idle(model: PublishedModel) -> bool:
    rates = [model.values[rate] for rate in _ENERGIES if rate in model.values]
    return bool(rates) and not any(rates)
