"""Tools for testing plugins, for those of third parties too; the fixtures are in `pytest_plugin`."""

from collector_core.testing.cases import Case, cases, run_case
from collector_core.testing.contract import assert_plugin_contract
from collector_core.testing.golden import Golden
from collector_core.testing.harness import FakeClock, Harness
from collector_core.testing.recorded_history import RecordedHistory
from collector_core.testing.routes import serve_routes

__all__ = [
    "Case",
    "FakeClock",
    "Golden",
    "Harness",
    "RecordedHistory",
    "assert_plugin_contract",
    "cases",
    "run_case",
    "serve_routes",
]
