"""`feeds:` of the file and `feeds` of devices: one statement in two places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from collector_core.collector import CollectorConfig
from collector_core.config.yamlfile import Document
from collector_core.errors import Problem
from collector_core.metering.supply import GivesFeeds, contradictions

Feeds = Mapping[str, tuple[str, ...]]


def feeds_of_options(plugin: str, options: CollectorConfig) -> Feeds:
    """What the devices of a collector feed, by PLUGIN/DEVICE, as its options say."""
    told = options.device_feeds() if isinstance(options, GivesFeeds) else {}
    return {f"{plugin}/{name}": feeds for name, feeds in told.items() if feeds}


def feeds_problems(
    document: Document, feeds: Feeds, collectors: Iterable[tuple[str, CollectorConfig]]
) -> Iterator[Problem]:
    """Where the two places contradict each other."""
    for plugin, options in collectors:
        told = feeds_of_options(plugin, options)
        for name in contradictions(feeds, told):
            says = ", ".join(told[name])
            yield document.problem(
                ("feeds", name), f"contradicts the device's own `feeds`, which says [{says}]; delete one"
            )
