"""Receivers that the tests of several outputs share."""

from tests.http_receiver import http_receiver  # noqa: F401 - fixtures
from tests.metric_stores import graphite_port, metric_store  # noqa: F401
