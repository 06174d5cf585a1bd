"""Energy meters of a Mac, a program that hangs, and output of any kind."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable
from collector_core.devices import run_program
from collector_plugins.macos import SHARES, MacOs
from collector_plugins.macos.parsing import parse_ioreg, parse_pmset, parse_powermetrics

AIR = Path(__file__).parent / "testcases/macbook-air-m2-on-battery/root/usr/bin"


def test_the_chip_and_the_machine_are_meters_of_the_ledger(collector_harness, monkeypatch):
    monkeypatch.setenv("PATH", str(AIR), prepend=":")
    harness = collector_harness(MacOs)
    harness.run()
    harness.run(advance=10)
    chip, machine = harness.collector.collector_energy_meters()
    assert (chip.component, machine.component, "cpu" in machine.covers) == ("cpu", "host", True)
    assert chip.latest().joules == pytest.approx(46.5244)
    assert machine.latest().joules == pytest.approx(99.87)


class Watched(MacOs):
    """Notes what its meters know when each program is asked."""

    def __init__(self, config, ctx):
        super().__init__(config, ctx)
        self.known = []

    def _run(self, words, fix):
        self.known.append([meter.latest() for meter in self.collector_energy_meters()])
        return super()._run(words, fix)


def test_meters_know_what_was_said_last_while_programs_are_asked(collector_harness, monkeypatch):
    monkeypatch.setenv("PATH", str(AIR), prepend=":")
    harness = collector_harness(Watched)
    harness.run()
    harness.run(advance=10)
    assert [all(each) for each in harness.collector.known] == [False] * 3 + [True] * 3


def test_all_programs_together_have_less_than_a_run():
    assert sum(SHARES.values()) < 1


def test_it_is_no_collector_of_other_systems(collector_harness):
    assert MacOs.detect(collector_harness(MacOs).context).reason == "not_supported"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("sleep", "60"), "timeout"),
        (("no-such-program",), "not_found"),
        (("sh", "-c", "echo only root >&2; exit 1"), "permission"),
        (("/",), "permission"),
    ],
)
def test_a_program_that_fails_says_why(words, reason):
    seconds = 0.1 if reason == "timeout" else 60.0
    with pytest.raises(NotAvailable) as caught:
        run_program(words, seconds, fix="do it")
    assert (caught.value.reason, bool(caught.value.fix)) == (reason, True)


VALUES = st.none() | st.booleans() | st.floats() | st.integers(-(1 << 63), (1 << 64) - 1) | st.text(max_size=3)
KEYS = st.sampled_from(["Voltage", "Amperage", "SystemLoad", "PowerTelemetryData", "processor", "cpu_power", "x"])
PLISTS = st.recursive(
    VALUES.filter(lambda value: value is not None), lambda inner: st.dictionaries(KEYS, inner), max_leaves=6
)


@given(PLISTS)
def test_any_property_list_is_watts_or_nothing(document):
    try:
        output = plistlib.dumps(document)
    except (TypeError, OverflowError, ValueError):
        return
    for parse in (parse_ioreg, parse_powermetrics):
        try:
            told = parse(output)
        except ValueError:
            continue
        values = told.values() if isinstance(told, dict) else told
        assert all(value is None or 0 <= value <= 1e4 for value in values)


@given(st.binary(max_size=40), st.text(max_size=40))
def test_what_is_no_output_of_theirs_is_an_error_or_nothing(output, text):
    for parse in (parse_ioreg, parse_powermetrics):
        try:
            assert not any(parse(output))
        except ValueError:
            continue
    assert all(0 <= charge <= 1 for _, charge in parse_pmset(text))
