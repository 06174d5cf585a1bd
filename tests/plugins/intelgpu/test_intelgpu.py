"""Counters of cards: what restarts, what rests, and what counts once."""

from __future__ import annotations

import pytest

from collector_core import Component
from collector_core.devices import gpu_metrics as metrics
from collector_core.metering import choose
from collector_plugins.intelgpu import IntelGpu

LABELS = {"gpu": "0000:03:00.0", "driver": "xe"}


@pytest.fixture
def card(tmp_path):
    def write(**files):
        folder = tmp_path / "sys/class/drm/card0/device"
        files = {"uevent": "DRIVER=xe\nPCI_SLOT_NAME=0000:03:00.0", "hwmon__hwmon1__name": "xe"} | files
        for name, content in files.items():
            file = folder / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")

    return write


def test_the_card_counts_and_the_chip_on_it_does_not(card, collector_harness, tmp_path):
    harness = collector_harness(IntelGpu, tmp_path)
    for seconds in range(4):
        joules = 10**12 + seconds * 250_000_000
        card(hwmon__hwmon1__energy1_input=joules, hwmon__hwmon1__energy2_input=joules // 2)
        harness.run(advance=5)
    assert harness.value(metrics.POWER, **LABELS) == pytest.approx(50)
    (meter,) = choose(harness.collector.collector_energy_meters())
    assert (meter.component, meter.device) == (Component.GPU, "0000:03:00.0")
    assert meter.latest().joules == pytest.approx(750)


def test_a_counter_that_starts_again_does_not_fall(card, collector_harness, tmp_path):
    harness = collector_harness(IntelGpu, tmp_path)
    seen = []
    for joules in (500, 600, 5, 30, 55):
        card(hwmon__hwmon1__energy1_input=joules * 1_000_000)
        harness.run(advance=5)
        seen.append(harness.value(metrics.ENERGY, **LABELS))
    assert seen == sorted(seen)
    assert seen[0] == 500


def test_a_card_that_is_idle_and_may_sleep_is_left_alone(card, collector_harness, tmp_path):
    harness = collector_harness(IntelGpu, tmp_path)
    awake = {"power__runtime_status": "active", "power__control": "auto"}
    for seconds in (0, 5):
        idle = {"tile0__gt0__gtidle__idle_residency_ms": seconds * 1000}
        card(hwmon__hwmon1__energy1_input=(100 + seconds) * 10**6, **awake, **idle)
        harness.run(advance=5)
    assert harness.value(metrics.UTILIZATION, **LABELS) == 0
    card(hwmon__hwmon1__energy1_input=900 * 10**6)
    harness.run(advance=5)
    assert harness.value(metrics.ENERGY, **LABELS) == 105


def test_an_idle_time_that_starts_again_says_no_use(card, collector_harness, tmp_path):
    harness = collector_harness(IntelGpu, tmp_path)
    seen = []
    for seconds in (100, 104, 2, 6):
        card(tile0__gt0__gtidle__idle_residency_ms=seconds * 1000)
        harness.run(advance=5)
        seen.append(harness.series(metrics.UTILIZATION))
    assert [list(each.values()) for each in seen] == [[], [pytest.approx(0.2)], [], [pytest.approx(0.2)]]


def test_memory_in_use_is_what_programs_say(card, collector_harness, tmp_path):
    card(hwmon__hwmon1__energy1_input=1_000_000)
    for folder in ("fd", "fdinfo"):
        (tmp_path / "proc/10" / folder).mkdir(parents=True)
    (tmp_path / "proc/10/fd/3").symlink_to("/dev/dri/renderD128")
    said = "drm-client-id:\t7\ndrm-pdev:\t0000:03:00.0\ndrm-resident-vram0:\t2 MiB\n"
    (tmp_path / "proc/10/fdinfo/3").write_text(said)
    harness = collector_harness(IntelGpu, tmp_path)
    harness.run()
    assert harness.value(metrics.MEMORY_USED, **LABELS) == 2 << 20
    assert 'gpu_memory_used_bytes{driver="xe",gpu="0000:03:00.0"} 2.097152e+06' in harness.exposition()
