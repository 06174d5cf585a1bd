"""Tables for READMEs, made from declarations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from collector_core.collector import Collector
from collector_core.model.metrics import Metric
from collector_core.options import Options
from collector_core.output import BaseOutput
from collector_core.plugins.option_rows import option_rows


def fill(text: str, tables: dict[str, str]) -> str:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->` by the table of that name."""
    for name, table in tables.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, opened, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if opened and closed:
            text = f"{before}{start}\n\n{table}\n\n{end}{after}"
    return text


def readme_of(file: Path) -> Path | None:
    """The README of the plugin whose module is `file`: beside it or, in a source tree, beside the pyproject.toml."""
    above = [folder for folder in list(file.parents)[:3] if (folder / "pyproject.toml").exists()]
    readmes = [folder / "README.md" for folder in (file.parent, *above)]
    return next((readme for readme in readmes if readme.exists()), None)


def readme_tables(
    collector: type[Collector[Any]] | None = None, output: type[BaseOutput[Any]] | None = None
) -> dict[str, str]:
    """The tables of one plugin's README: `metrics`, `options` and, where it offers both, the output's `outputs`."""
    tables = {}
    if output is not None:
        tables["options" if collector is None else "outputs"] = options_table(output.config_type)
    if collector is not None:
        tables |= {"metrics": metrics_table(collector.metrics), "options": options_table(collector.config_type)}
    return tables


def metrics_table(metrics: tuple[Metric, ...]) -> str:
    """One row per metric, in the order of their declaration."""
    rows = [
        (f"`{metric.name}`", metric.kind, metric.unit or "–", _code_list(metric.labels), metric.help)
        for metric in metrics
    ]
    return _markdown(("metric", "type", "unit", "labels", "what it says"), rows)


def options_table(config_type: type[Options]) -> str:
    """One row per option with its default, those of nested sections too."""
    rows = [(f"`{row.key}`", row.default, row.description) for row in option_rows(config_type)]
    return _markdown(("option", "default", "what it does"), rows) if rows else "This plugin has no options."


def index_table(types: dict[str, type[Collector[Any]]], readmes: dict[str, Path], folder: str = "") -> str:
    """One row per plugin for an index, which sees the plugins in `folder` (`plugins/`)."""
    rows = [(f"[`{name}`]({folder}{name}/README.md)", _first_sentence(readmes[name])) for name in sorted(types)]
    return _markdown(("plugin", "what it reads"), rows)


def _first_sentence(readme: Path) -> str:
    paragraphs = readme.read_text(encoding="utf-8").split("\n\n")
    return " ".join(paragraphs[1].split()).split(". ")[0].rstrip(".") + "."


def _code_list(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "–"


def _markdown(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
