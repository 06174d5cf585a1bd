"""`energy-collector docs`: tables in the plugins' READMEs, and what `list` says of them, from their declarations."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from collector_core.cli.common import Common, common_options
from collector_core.plugins import documentation
from collector_core.plugins.discovery import Plugin, discover
from collector_core.plugins.entry_points import OURS
from collector_core.plugins.offers import FILE, offers_table
from collector_core.storage.atomic_file import write_atomically


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with code 1 if a README is out of date.")
@common_options()
def command(common: Common, check: bool) -> None:
    """Fill the tables between the markers `<!-- metrics -->`, `<!-- options -->`, `<!-- outputs -->` and so on.

    Works on the README of each installed plugin: next to its module or, if installed with `--editable`, next to
    its pyproject.toml; and on the indexes of the bundled plugins.
    """
    del common
    drifted = [page for page, text in _pages() if page.read_text(encoding="utf-8") != text]
    for page, text in _pages():
        if page in drifted and not check:
            write_atomically(page.resolve(), text, mode=stat.S_IMODE(page.stat().st_mode))
    for page in drifted:
        click.echo(f"{page}: {'does not match the declarations; run `energy-collector docs`' if check else 'written'}")
    sys.exit(1 if check and drifted else 0)


def _pages() -> Iterator[tuple[Path, str]]:
    """Every file with the text that it should have."""
    plugins = discover()
    readmes = {plugin.name: readme for plugin in plugins.all if (readme := _readme(plugin))}
    types = {name: cls for name, cls in plugins.types.items() if name in readmes}
    for name, readme in readmes.items():
        tables = documentation.readme_tables(types.get(name), plugins.outputs.get(name))
        yield readme, documentation.fill(readme.read_text("utf-8"), tables)
    bundled = {name: cls for name, cls in types.items() if cls.__module__.startswith("collector_plugins.")}
    for plugins_folder in {readmes[name].parent.parent for name in bundled}:
        if (kept := plugins_folder / FILE).exists():
            yield kept, offers_table(plugin for plugin in plugins.all if plugin.distribution == OURS)
        for index, seen_as in ((plugins_folder, ""), (plugins_folder.parent, f"{plugins_folder.name}/")):
            if (page := index / "README.md").exists():
                table = documentation.index_table(bundled, readmes, seen_as)
                yield page, documentation.fill(page.read_text(encoding="utf-8"), {"plugins": table})


def _readme(plugin: Plugin) -> Path | None:
    file = getattr(plugin.module, "__file__", None)
    return documentation.readme_of(Path(file).resolve()) if file else None
