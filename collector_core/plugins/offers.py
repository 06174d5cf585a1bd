"""What plugins offer, in words; of bundled ones `energy-collector docs` keeps it in a file, so that none is loaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from collector_core.plugins.entry_points import OURS

if TYPE_CHECKING:
    from collector_core.installed import EntryPoint
    from collector_core.plugins.discovery import Plugin

FILE = "offers.csv"  # beside the bundled plugins
_HEAD = ("plugin", "offers")


def offers_of(plugin: Plugin) -> str:
    """How many metrics, and which outputs."""
    metrics = f"{sum(len(cls.metrics) for cls in plugin.types)} metrics"
    outputs = [f"output {cls.name}" for cls in plugin.outputs]
    return ", ".join([metrics, *outputs] if plugin.types or not outputs else outputs)


def kept_offers(entries: Iterable[EntryPoint]) -> dict[str, str]:
    """What is kept of those entry points that are bundled, by plugin."""
    packages = {entry.module.rpartition(".")[0] for entry in entries if entry.distribution == OURS}
    specs = filter(None, map(find_spec, packages))
    folders = [Path(folder) for spec in specs for folder in spec.submodule_search_locations or ()]
    texts = [(folder / FILE).read_text(encoding="utf-8") for folder in folders if (folder / FILE).exists()]
    return {name: offers for text in texts for name, offers in csv.reader(text.splitlines()[1:])}


def offers_table(plugins: Iterable[Plugin]) -> str:
    """The file that says what `plugins` offer."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_HEAD, *((each.name, offers_of(each)) for each in plugins)])
    return text.getvalue()
