"""The carbon of the mix: sun, battery and grid, and what a battery was charged with."""

from __future__ import annotations

import pytest

from collector_core.metering import CarbonMix, FlowEdge, read_graph

KWH = 3.6e6


def mixed(mix, *edges, grid=400.0, seconds=3600.0, capacities=None):
    return mix.update(read_graph(FlowEdge(*edge) for edge in edges), grid, seconds, capacities or {})


def test_solar_power_emits_nothing_and_the_grid_what_it_does():
    found = mixed(CarbonMix(), ("solar/roof", "site/home", 300.0), ("grid/g", "site/home", 100.0))
    assert found == pytest.approx(100.0)


def test_what_nobody_is_known_to_feed_is_fed_by_the_grid():
    assert mixed(CarbonMix(), ("unknown/from/host/nas", "host/nas", 60.0)) == 400.0


def test_without_a_factor_of_the_grid_only_what_needs_none_is_known():
    assert mixed(CarbonMix(), ("grid/g", "host/nas", 60.0), grid=None) is None
    assert mixed(CarbonMix(), ("solar/s", "host/nas", 60.0), grid=None) == 0.0


def test_a_battery_gives_what_it_was_charged_with():
    mix = CarbonMix()
    assert mixed(mix, ("battery/b", "host/nas", 60.0)) is None
    mixed(mix, ("solar/s", "battery/b", 300.0))
    mixed(mix, ("grid/g", "battery/b", 100.0))
    assert mixed(mix, ("battery/b", "host/nas", 60.0)) == pytest.approx(100.0)
    assert mixed(mix, ("battery/b", "host/nas", 900.0)) == pytest.approx(100.0)


def test_a_full_battery_forgets_what_it_held_before():
    mix = CarbonMix()
    for _ in range(50):
        mixed(mix, ("grid/g", "battery/b", 100.0), capacities={"battery/b": KWH})
    for _ in range(50):
        mixed(mix, ("solar/s", "battery/b", 100.0), capacities={"battery/b": KWH})
    assert mixed(mix, ("battery/b", "host/nas", 60.0)) < 10


def test_what_is_exported_or_stored_is_not_consumed():
    edges = ("solar/s", "site/home", 300.0), ("site/home", "grid/g/export", 200.0), ("grid/h", "host/nas", 100.0)
    assert mixed(CarbonMix(), *edges, ("site/home", "plug/desk", 100.0)) == pytest.approx(200.0)
