"""The public API: what is listed in `__all__` is kept stable; everything else may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector_core.late_names import late_names

if TYPE_CHECKING:
    from pydantic import Field, SecretStr

    from collector_core.collector import Collector, CollectorConfig, Context
    from collector_core.errors import (
        AuthFailed,
        CollectorError,
        DeclarationError,
        HistoryUnavailable,
        HttpStatusError,
        NoTargetAvailable,
        NotAvailable,
        NotListening,
        ReadingError,
        Reason,
        RecordsRefused,
        SeriesBudgetExceeded,
        describe,
        reason_of,
    )
    from collector_core.forecasting import ForecastedSeries, Forecaster, find_forecaster
    from collector_core.history.past import History, PastEnergy, PastEvent, PastSeries
    from collector_core.http.answer import HttpAnswer
    from collector_core.http.client import HttpClient
    from collector_core.http.secure_url import SecureUrl, is_loopback_host
    from collector_core.http.sender import HttpSender, HttpUrl, Received
    from collector_core.http.websocket import WebSocket
    from collector_core.metering.meters import Component, EnergyMeter, EnergyMethod, EnergyReading
    from collector_core.model.clock import Clock
    from collector_core.model.counters import WrapCounter
    from collector_core.model.foreign_counter import ForeignCounter
    from collector_core.model.metrics import Counter, Gauge, Info, Metric
    from collector_core.model.page_section import PageBand, PageChart, PageLink, PageSection, PageTable
    from collector_core.model.power_integral import PowerIntegral
    from collector_core.model.published import Published
    from collector_core.model.quantities import quantity
    from collector_core.model.readings import Readings, Snapshot
    from collector_core.model.result import Result
    from collector_core.model.run_report import RunReport
    from collector_core.model.selector import Selector
    from collector_core.model.series import Series
    from collector_core.model.topics import TopicSelector, TopicsSelector
    from collector_core.model.units import Unit
    from collector_core.options import (
        CalendarDay,
        ConfigPath,
        Duration,
        Options,
        Period,
        SelectorText,
        TimeZoneName,
        parse_duration,
        read_env_file,
    )
    from collector_core.output import (
        BaseOutput,
        Output,
        OutputConfig,
        OutputSample,
        PayloadOutput,
        SampleBlock,
        SeriesGroup,
    )
    from collector_core.plugins.api_version import API_VERSION
    from collector_core.plugins.commands import CommandContext, ResultFile, Sample, Subcommands
    from collector_core.plugins.hookspecs import hookimpl
    from collector_core.plugins.prometheus_adapter import wrap_collector
    from collector_core.polling.background import BackgroundTask
    from collector_core.polling.backoff import Backoff
    from collector_core.polling.fault_log import FaultLog
    from collector_core.polling.targets import BlockingTargets, Targets
    from collector_core.procfs.mount import is_kernel_mount
    from collector_core.procfs.stat import CpuTicks, cpu_ticks, cpu_ticks_by_cpu
    from collector_core.storage.user_folders import state_home
    from collector_core.web.api_error import ApiError, Query
    from collector_core.web.ingest import PushInbox, PushOptions
    from collector_core.web.nonblocking import nonblocking
    from collector_core.web.token_guard import TokenGuard

__all__ = [
    "API_VERSION",
    "ApiError",
    "AuthFailed",
    "BackgroundTask",
    "Backoff",
    "BaseOutput",
    "BlockingTargets",
    "CalendarDay",
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
    "FaultLog",
    "Field",
    "ForecastedSeries",
    "Forecaster",
    "ForeignCounter",
    "Gauge",
    "History",
    "HistoryUnavailable",
    "HttpAnswer",
    "HttpClient",
    "HttpSender",
    "HttpStatusError",
    "HttpUrl",
    "Info",
    "Metric",
    "NoTargetAvailable",
    "NotAvailable",
    "NotListening",
    "Options",
    "Output",
    "OutputConfig",
    "OutputSample",
    "PageBand",
    "PageChart",
    "PageLink",
    "PageSection",
    "PageTable",
    "PastEnergy",
    "PastEvent",
    "PastSeries",
    "PayloadOutput",
    "Period",
    "PowerIntegral",
    "Published",
    "PushInbox",
    "PushOptions",
    "Query",
    "ReadingError",
    "Readings",
    "Reason",
    "Received",
    "RecordsRefused",
    "Result",
    "ResultFile",
    "RunReport",
    "Sample",
    "SampleBlock",
    "SecretStr",
    "SecureUrl",
    "Selector",
    "SelectorText",
    "Series",
    "SeriesBudgetExceeded",
    "SeriesGroup",
    "Snapshot",
    "Subcommands",
    "Targets",
    "TimeZoneName",
    "TokenGuard",
    "TopicSelector",
    "TopicsSelector",
    "Unit",
    "WebSocket",
    "WrapCounter",
    "cpu_ticks",
    "cpu_ticks_by_cpu",
    "describe",
    "find_forecaster",
    "hookimpl",
    "is_kernel_mount",
    "is_loopback_host",
    "nonblocking",
    "parse_duration",
    "quantity",
    "read_env_file",
    "reason_of",
    "state_home",
    "wrap_collector",
]

_HOMES = {
    "pydantic": "Field SecretStr",
    "collector_core.collector": "Collector CollectorConfig Context",
    "collector_core.errors": (
        "AuthFailed CollectorError DeclarationError HistoryUnavailable HttpStatusError NoTargetAvailable NotAvailable "
        "NotListening ReadingError Reason RecordsRefused SeriesBudgetExceeded describe reason_of"
    ),
    "collector_core.forecasting": "ForecastedSeries Forecaster find_forecaster",
    "collector_core.history.past": "History PastEnergy PastEvent PastSeries",
    "collector_core.http.answer": "HttpAnswer",
    "collector_core.http.client": "HttpClient",
    "collector_core.http.secure_url": "SecureUrl is_loopback_host",
    "collector_core.http.sender": "HttpSender HttpUrl Received",
    "collector_core.http.websocket": "WebSocket",
    "collector_core.metering.meters": "Component EnergyMeter EnergyMethod EnergyReading",
    "collector_core.model.clock": "Clock",
    "collector_core.model.counters": "WrapCounter",
    "collector_core.model.foreign_counter": "ForeignCounter",
    "collector_core.model.metrics": "Counter Gauge Info Metric",
    "collector_core.model.page_section": "PageBand PageChart PageLink PageSection PageTable",
    "collector_core.model.power_integral": "PowerIntegral",
    "collector_core.model.published": "Published",
    "collector_core.model.quantities": "quantity",
    "collector_core.model.readings": "Readings Snapshot",
    "collector_core.model.result": "Result",
    "collector_core.model.run_report": "RunReport",
    "collector_core.model.selector": "Selector",
    "collector_core.model.series": "Series",
    "collector_core.model.topics": "TopicSelector TopicsSelector",
    "collector_core.model.units": "Unit",
    "collector_core.options": (
        "CalendarDay ConfigPath Duration Options Period SelectorText TimeZoneName read_env_file parse_duration"
    ),
    "collector_core.output": "BaseOutput Output OutputConfig OutputSample PayloadOutput SampleBlock SeriesGroup",
    "collector_core.plugins.api_version": "API_VERSION",
    "collector_core.plugins.commands": "CommandContext ResultFile Sample Subcommands",
    "collector_core.plugins.hookspecs": "hookimpl",
    "collector_core.plugins.prometheus_adapter": "wrap_collector",
    "collector_core.polling.background": "BackgroundTask",
    "collector_core.polling.backoff": "Backoff",
    "collector_core.polling.fault_log": "FaultLog",
    "collector_core.polling.targets": "BlockingTargets Targets",
    "collector_core.procfs.mount": "is_kernel_mount",
    "collector_core.procfs.stat": "CpuTicks cpu_ticks cpu_ticks_by_cpu",
    "collector_core.storage.user_folders": "state_home",
    "collector_core.web.api_error": "ApiError Query",
    "collector_core.web.ingest": "PushInbox PushOptions",
    "collector_core.web.nonblocking": "nonblocking",
    "collector_core.web.token_guard": "TokenGuard",
}

__getattr__ = late_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
