"""The READMEs of the project and of its deployment: links that lead somewhere, small pictures, every plugin."""

import re
from pathlib import Path

import pytest

from collector_core.plugins.discovery import discover

ROOT = Path(__file__).parents[2]
MOST_BYTES = 200_000
READMES = [
    *(ROOT / name for name in ("README.md", "deploy/README.md", "collector_core/README.md", "docs/decisions/README.md"))
]

each_readme = pytest.mark.parametrize("readme", READMES, ids=lambda file: str(file.relative_to(ROOT)))


def links(readme):
    """Targets of a README's links within the repository, each a file and an anchor."""
    found = re.findall(r"\]\(([^)\s]+)\)", readme.read_text())
    local = [link.partition("#") for link in found if "://" not in link]
    return [(readme.parent / file if file else readme, anchor) for file, _, anchor in local]


def anchors(file):
    titles = re.findall(r"(?m)^#+ (.*)$", file.read_text())
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_readme
def test_its_links_lead_somewhere(readme):
    assert links(readme)
    assert [str(file) for file, _ in links(readme) if not file.exists()] == []
    assert [anchor for file, anchor in links(readme) if anchor and anchor not in anchors(file)] == []


def test_its_pictures_are_small_and_say_what_they_show():
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", (ROOT / "README.md").read_text())
    assert len(pictures) >= 2
    assert [path for text, path in pictures if len(text) < 30] == []
    assert [path for _, path in pictures if (ROOT / path).stat().st_size > MOST_BYTES] == []


def test_the_table_of_plugins_has_all_that_come_with_it():
    """Its rows are written by `energy-collector docs`; `docs --check` compares them."""
    text = (ROOT / "README.md").read_text()
    bundled = [plugin.name for plugin in discover().all if plugin.distribution == "energy-collector"]
    assert [name for name in bundled if f"| [`{name}`](plugins/{name}/README.md) |" not in text] == []
