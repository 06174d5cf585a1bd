"""What the status page shows."""

from __future__ import annotations

import pytest

IDLE = {"cpu": 20.0, "dram": 5.0}


def rows(started):
    (section,) = started.workloads.collector.collector_page_sections()
    return [row[:4] for table in section.tables for row in table.rows]


def test_who_draws_the_most_stands_first(site, host):
    host.make("/system.slice/small.service")
    host.make("/system.slice/burner.service")
    started = site(idle_watts=IDLE, idle="by_use")
    for _ in range(3):
        host.spend("/system.slice/small.service", 1)
        host.spend("/system.slice/burner.service", 9)
        started.run()
    assert rows(started)[:2] == [
        ("unit", "burner.service", "90 W", "75.0%"),
        ("nobody (kernel threads, interrupts)", "", "20 W", "16.7%"),
    ]


def test_at_first_it_says_that_there_is_nothing_yet(site, host):
    started = site(idle_watts=IDLE)
    (section,) = started.workloads.collector.collector_page_sections()
    assert section.text
    assert section.tables == ()


@pytest.mark.parametrize("seconds", [10.0, 100.0])
def test_power_is_the_mean_of_the_last_minute(site, host, seconds):
    host.make("/a.service")
    started = site(idle_watts={"cpu": 0, "dram": 0})
    for watts in (50, 100, 100):
        started.package.watts = watts
        host.spend("/a.service", 5)
        started.run(seconds)
    power = {row[1]: row[2] for row in rows(started)}
    assert power["a.service"] == ("100 W" if seconds > 60 else "83.3 W")
