"""The public API: what is listed in `__all__` is kept stable; everything else may change."""

from pydantic import Field, SecretStr

from collector_core.api import API_VERSION
from collector_core.background import BackgroundTask
from collector_core.collector import Clock, Collector, CollectorConfig, ConfigPath, Context
from collector_core.commands import CommandContext, ResultFile, Sample, Subcommands
from collector_core.counters import PowerIntegral, WrapCounter
from collector_core.cputicks import CpuTicks, cpu_ticks, cpu_ticks_by_cpu
from collector_core.durations import Duration
from collector_core.energy import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_core.errors import (
    AuthFailed,
    CollectorError,
    DeclarationError,
    NotAvailable,
    ReadingError,
    Reason,
    SeriesBudgetExceeded,
    describe,
    reason_of,
)
from collector_core.foreign import wrap_collector
from collector_core.hookspecs import hookimpl
from collector_core.kernel import is_kernel_mount
from collector_core.metrics import Counter, Gauge, Info, Metric, Unit
from collector_core.published import Published
from collector_core.push import PushInbox, PushOptions
from collector_core.readings import Readings, Snapshot
from collector_core.reports import RunReport
from collector_core.selection import Selector, Series
from collector_core.selfmetrics import Result
from collector_core.userfolders import state_home

__all__ = [
    "API_VERSION",
    "AuthFailed",
    "BackgroundTask",
    "Clock",
    "Collector",
    "CollectorConfig",
    "CollectorError",
    "CommandContext",
    "Component",
    "ConfigPath",
    "Context",
    "Counter",
    "CpuTicks",
    "DeclarationError",
    "Duration",
    "EnergyMeter",
    "EnergyMethod",
    "EnergyReading",
    "Field",
    "Gauge",
    "Info",
    "Metric",
    "NotAvailable",
    "PowerIntegral",
    "Published",
    "PushInbox",
    "PushOptions",
    "ReadingError",
    "Readings",
    "Reason",
    "Result",
    "ResultFile",
    "RunReport",
    "Sample",
    "SecretStr",
    "Selector",
    "Series",
    "SeriesBudgetExceeded",
    "Snapshot",
    "Subcommands",
    "Unit",
    "WrapCounter",
    "cpu_ticks",
    "cpu_ticks_by_cpu",
    "describe",
    "hookimpl",
    "is_kernel_mount",
    "reason_of",
    "state_home",
    "wrap_collector",
]
