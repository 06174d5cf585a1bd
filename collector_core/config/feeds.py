"""`feeds:` of the file and `feeds` of devices: one statement in two places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

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
    """Where the two places contradict each other, and meters that feed themselves."""
    both = dict(feeds)
    for plugin, options in collectors:
        told = feeds_of_options(plugin, options)
        both |= told
        for name in contradictions(feeds, told):
            says = ", ".join(told[name])
            yield document.problem(
                ("feeds", name), f"contradicts the device's own `feeds`, which says [{says}]; delete one"
            )
    if circle := _circle(both):
        where = next((("feeds", name) for name in circle if name in feeds), ())
        yield document.problem(where, f"a circle: {' feeds '.join(circle)}; nothing feeds itself")


def _circle(feeds: Feeds) -> Sequence[str]:
    """Meters that feed each other, the first one at the end again; none where that does not happen."""
    try:
        TopologicalSorter(feeds).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return ()
