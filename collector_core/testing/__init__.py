"""Tools for testing plugins, for those of third parties too: `Harness`, `FakeClock`, `assert_plugin_contract`."""

from collector_core.testing.contract import assert_plugin_contract
from collector_core.testing.harness import FakeClock, Harness

__all__ = ["FakeClock", "Harness", "assert_plugin_contract"]
