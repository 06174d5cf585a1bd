"""Prometheus' text format and OpenMetrics, read: whole or in pieces, within bounds, strictly and with one error."""

from collector_core.model.families import Exemplar, Family, Sample
from collector_core.prometheus_text.families import read_families
from collector_core.prometheus_text.page import PageReader
from collector_core.prometheus_text.reader import PrometheusTextError, SampleReader, read_samples

__all__ = [
    "Exemplar",
    "Family",
    "PageReader",
    "PrometheusTextError",
    "Sample",
    "SampleReader",
    "read_families",
    "read_samples",
]
