"""What runs where: the models that are served on this machine's GPUs, and what a request costs there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collector_plugins.inference import metrics
from collector_plugins.inference.config import Server
from collector_plugins.inference.gpus import Gpu, matching, mean_load, total_watts
from collector_plugins.inference.published_model import PublishedModel


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
    """Add load and joules per request to models that run on this machine alone.

    Joules are the power of the GPUs by the requests per second. They are left out where nothing was served, and where
    another model may have been served by the same GPUs: nobody knows then whose joules were whose.
    """
    for model, place in places.items():
        if not place.only_here:
            continue
        values = shown[model].values
        if metrics.UTILIZATION not in values and (load := mean_load(place.gpus)) is not None:
            values[metrics.UTILIZATION] = load
        rate, watts = values.get(metrics.REQUEST_RATE), total_watts(place.gpus)
        others = (name for name, other in places.items() if name != model and other.gpus & place.gpus)
        if rate and watts is not None and all(shown[other].values.get(metrics.REQUEST_RATE) == 0 for other in others):
            values[metrics.ENERGY] = watts / rate
