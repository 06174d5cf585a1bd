"""What plugins offer: of bundled ones `energy-collector docs` keeps it in a file, so that none is loaded to know it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from collector_core.installed import EntryPoint, entry_points
from collector_core.plugins.entry_points import GROUP, OURS

if TYPE_CHECKING:
    from collector_core.plugins.discovery import Plugin

FILE = "offers.csv"  # beside the bundled plugins
_HEAD = ("plugin", "offers", "energy_meters")
_METERS = "collector_energy_meters"


class MetersOffered(StrEnum):
    """Whether a plugin may have energy meters: never, only where a configuration names it, or wherever they are."""

    NO = "no"
    CONFIGURED = "configured"
    YES = "yes"


class Offers(NamedTuple):
    """How many metrics a plugin has, and which outputs, in words; and which energy meters it may have."""

    text: str
    meters: MetersOffered


def offers_of(plugin: Plugin) -> Offers:
    """What a plugin that is loaded offers."""
    from collector_core.plugins.hookspecs import implements  # noqa: PLC0415 - who reads the file needs no pluggy

    metrics = f"{sum(len(cls.metrics) for cls in plugin.types)} metrics"
    outputs = [f"output {cls.name}" for cls in plugin.outputs]
    text = ", ".join([metrics, *outputs] if plugin.types or not outputs else outputs)
    metering = [cls for cls in plugin.types if implements(cls, _METERS)]
    if not metering:
        return Offers(text, MetersOffered.NO)
    by_itself = not all(cls.only_configured for cls in metering)
    return Offers(text, MetersOffered.YES if by_itself else MetersOffered.CONFIGURED)


def kept_offers(entries: Iterable[EntryPoint]) -> dict[str, Offers]:
    """What is kept of those entry points that are bundled, by plugin."""
    packages = {entry.module.rpartition(".")[0] for entry in entries if entry.distribution == OURS}
    specs = filter(None, map(find_spec, packages))
    folders = [Path(folder) for spec in specs for folder in spec.submodule_search_locations or ()]
    texts = [(folder / FILE).read_text(encoding="utf-8") for folder in folders if (folder / FILE).exists()]
    rows = (row for text in texts for row in csv.reader(text.splitlines()[1:]))
    return {name: Offers(offers, MetersOffered(meters)) for name, offers, meters in rows}


def names_with_meters() -> dict[str, MetersOffered]:
    """The plugins that may have energy meters: all of other distributions, which have to be loaded to know it."""
    entries = entry_points(GROUP)
    ours = {name: each.meters for name, each in kept_offers(entries).items()}
    told = {entry.name: ours.get(entry.name, MetersOffered.YES) for entry in entries if entry.distribution == OURS}
    told |= {entry.name: MetersOffered.YES for entry in entries if entry.distribution != OURS}
    return {name: meters for name, meters in told.items() if meters is not MetersOffered.NO}


def offers_table(plugins: Iterable[Plugin]) -> str:
    """The file that says what `plugins` offer."""
    text = io.StringIO()
    rows = [(each.name, *_cells(offers_of(each))) for each in plugins]
    csv.writer(text, lineterminator="\n").writerows([_HEAD, *rows])
    return text.getvalue()


def _cells(offers: Offers) -> tuple[str, str]:
    return offers.text, offers.meters
