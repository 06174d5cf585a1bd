"""Every hook of the framework, on one page. A plugin implements those it needs with `@hookimpl`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collector_core.collector import Collector

PROJECT = "collector_core"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def collector_types() -> Sequence[type[Collector[Any]]]:  # type: ignore[empty-body]
    """Return the collector classes of this plugin; called once, does no I/O."""
