"""What a battery was charged with is known after a restart, and a disk that fails costs no run."""

from __future__ import annotations

import json
import logging

import pytest

from collector_core.metering import CarbonMix, FlowEdge, read_graph
from collector_plugins.energy import Energy, metrics
from collector_plugins.energy.battery_file import LONGEST_AWAY, SAVE_SECONDS, BatteryFile
from tests.plugins.energy.test_flow_ends import battery

HOUR = 3600.0
CHARGING = FlowEdge("grid/g", "battery/shed", 100.0)
GIVING = FlowEdge("battery/shed", "host/nas", 50.0)


@pytest.fixture
def context(collector_harness):
    return collector_harness(Energy).context


@pytest.fixture
def kept(context):
    return context.state_dir / "batteries.json"


def mixed(mix, edge, seconds=HOUR):
    return mix.update(read_graph([edge]), 400.0, seconds, {})


@pytest.fixture
def begin(context, eventually):
    """A mix as after a start, which has been told what the file has."""

    def begin(*edges):
        mix, file = CarbonMix(), BatteryFile(context)
        mixed(mix, GIVING, 0.0)
        for edge in edges:
            mixed(mix, edge)
        eventually(lambda: file.follow(mix) or file._is_told)
        return mix, file

    return begin


def save(mix, file, kept, eventually):
    eventually(lambda: file.follow(mix) or kept.exists())
    file._thread.join()


def test_what_a_battery_was_charged_with_is_known_after_a_restart(begin, kept, eventually):
    mix, file = begin(CHARGING)
    assert mixed(CarbonMix(), GIVING) is None
    save(mix, file, kept, eventually)
    again, _ = begin()
    assert mixed(again, GIVING) == 400.0
    assert again.stored["battery/shed"].joules == 50 * HOUR


def test_what_was_charged_before_the_file_was_read_is_not_lost(begin, kept, eventually):
    save(*begin(CHARGING), kept, eventually)
    again, _ = begin(FlowEdge("solar/roof", "battery/shed", 300.0))
    assert mixed(again, GIVING) == pytest.approx(100.0)


def test_it_is_written_now_and_then_and_at_the_end(begin, context, kept, eventually):
    mix, file = begin(CHARGING)
    save(mix, file, kept, eventually)
    first = kept.read_text()
    mixed(mix, CHARGING)
    file.follow(mix)
    file._thread.join()
    assert kept.read_text() == first
    context.clock.advance(SAVE_SECONDS)
    file.follow(mix)
    file._thread.join()
    assert json.loads(kept.read_text())["batteries"]["battery/shed"]["joules"] == 200 * HOUR
    mixed(mix, CHARGING)
    file.close(mix)
    file._thread.join()
    assert json.loads(kept.read_text())["batteries"]["battery/shed"]["joules"] == 300 * HOUR


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{}", '{"version": 2, "time": 0, "batteries": {}}', '{"version": 1, "time": 2e9, "batteries": []}',
        '{"version": 1, "time": 2e9, "batteries": {"battery/shed": {"joules": -1, "grams_per_kwh": 3}}}',
        '{"version": 1, "time": 2e9, "batteries": {"battery/shed": {"joules": 1, "grams_per_kwh": NaN}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_set_aside_and_said_once(begin, kept, caplog, content):
    kept.write_text(content)
    with caplog.at_level(logging.WARNING):
        mix, _ = begin()
    assert mixed(mix, GIVING) is None
    assert not kept.exists()
    assert [record.message for record in caplog.records if "batteries" in record.message]


def test_after_a_long_time_away_nothing_is_known_of_a_battery(begin, context, kept, eventually):
    save(*begin(CHARGING), kept, eventually)
    context.clock.advance(LONGEST_AWAY + 1)
    again, _ = begin()
    assert mixed(again, GIVING) is None


def test_the_ledger_knows_after_a_restart_what_a_battery_gives(ledger, source, eventually):
    def begin(**powers):
        shed = source("battery", "shed", "meter", feeds=("this",))
        shed.says(0.0, 1000.0)
        return ledger(shed, published=lambda: battery(**powers), carbon_intensity=400)

    first = begin(input=500, output=0, charge=500, discharge=0, ac_input=500)
    eventually(lambda: first.run(advance=1.0) and (first.context.state_dir / "batteries.json").exists())
    second = begin(input=0, output=90, charge=0, discharge=90, ac_input=0)
    assert eventually(lambda: second.run(advance=1.0) and second.value(metrics.MIX)) == pytest.approx(400)


def test_without_a_battery_and_in_a_program_that_looks_once_nothing_is_written(context, tmp_path, collector_harness):
    mix = CarbonMix()
    BatteryFile(context).follow(mix)
    mixed(mix, CHARGING)
    BatteryFile(collector_harness(Energy, keeps_running=False).context).follow(mix)
    assert not list(tmp_path.rglob("*.json"))
