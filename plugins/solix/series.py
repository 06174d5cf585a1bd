"""A series of one device."""

from __future__ import annotations

from typing import NamedTuple

from collector_core import Metric


class Series(NamedTuple):
    """One series of a device; `label` is the value of the metric's own label, where it has one."""

    metric: Metric
    label: str = ""
