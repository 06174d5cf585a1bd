"""Our command as the memory and idle rows run it: this machine, two made-up sockets, and more if asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.programs import EVERYTHING, Collectors, Program, energy_collector
from bench.tree import Tree

SYSTEM_AND_RAPL: Collectors = {"system": {"interval": "1s", "options": EVERYTHING}, "rapl": {"interval": "1s"}}


@contextmanager
def running(collectors: Collectors) -> Iterator[tuple[Program, Tree]]:
    """The program and the tree whose counters the caller moves on."""
    with TemporaryDirectory(prefix="bench-root-") as folder:
        tree = Tree(Path(folder))
        with energy_collector(collectors, root=tree.root) as program:
            yield program, tree


def let_pass(tree: Tree, seconds: int) -> None:
    """Time in which only energy is used."""
    for _ in range(seconds):
        tree.advance()
        time.sleep(1)
