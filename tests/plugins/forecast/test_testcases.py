"""Recorded situations; `situation.yaml` says how long the simulated home has been recorded."""

from pathlib import Path

import pytest
import yaml

from collector_core import Counter, Gauge, History, NotAvailable, Unit
from collector_core.testing import cases
from tests.plugins.forecast import home

DISK = Gauge(
    "system_filesystem_available_bytes", "Space.", Unit.BYTES, ("mountpoint",), topic="available", of="disk", title="x"
)
ENERGY = Counter(
    "energy_joules_total", "Energy.", Unit.JOULES, ("component", "device", "method"), topic="energy", of="host"
)
COST = Counter("energy_cost_total", "Cost.", labels=("currency",), topic="cost", of="host")
GRAMS = Counter("energy_emissions_grams_total", "CO2.", Unit.GRAMS, ("component",), topic="emissions", of="host")
EFFORT = (
    "forecast_training_cpu_seconds",
    "forecast_mase",
    "forecast_coverage",
    "forecast_battery_time_to",
    "forecast_battery_likeliest",
)
NUMBERS = tuple(
    f"forecast_{word}"
    for word in ("value", "peak{", "peak_above", "energy", "cost", "emissions", "battery_time", "battery_empty")
)


def record(history, moments):
    for metric, values in ((home.SOLAR, "solar"), (home.LOAD, "load"), (home.CHARGE, "charge")):
        history.record(metric, [(each.time, getattr(each, values)) for each in moments[::3]], name="Shed")
    joules, counted = 0.0, []
    for each in moments[::12]:
        joules += each.load * home.HOUR
        counted.append((each.time, joules))
    history.record(ENERGY, counted, source="energy", component="host", device="home", method="meter")
    history.record(COST, [(time, each / 3.6e6 * 0.3) for time, each in counted], source="energy", currency="EUR")
    history.record(GRAMS, [(time, each / 3.6e6 * 400) for time, each in counted], source="energy", component="host")


def record_disk(history, now):
    days = range(28 * 24)
    history.record(DISK, [(now - (28 * 24 - hour) * home.HOUR, 9e10 - 1e8 * hour) for hour in days], mountpoint="/srv")


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, bench, eventually, collector_golden):
    situation = yaml.safe_load((case.folder / "root/situation.yaml").read_text())
    now = home.MONDAY + situation["days"] * home.DAY + situation.get("hour", 0) * home.HOUR
    moments = [each for each in home.simulate(situation["days"] + 1, seed=1) if each.time < now]
    made = bench(now, **({} if situation["days"] else {"history": History()}), **case.options)
    if situation.get("disk"):
        record_disk(made.history, now)
    elif situation["days"]:
        record(made.history, moments)
    last = moments[-1] if moments else home.Moment(now, 400.0, 0.0, 0.5)
    made.show(
        {
            home.CHARGE: last.charge,
            home.FULL: home.CAPACITY,
            home.SOLAR: last.solar,
            home.LOAD: last.load,
            home.GIVEN: last.load - last.solar,
        }
    )
    collector_golden.check(text_of(made, eventually), case.expected)


def text_of(made, eventually):
    """What the runs give, without what differs from run to run."""
    try:
        made.run(eventually)
    except NotAvailable as error:
        return f"# not available: {error.reason}: {error.detail}\n# fix: {error.fix}\n"
    failures = [f"# failed: {part.name}: {part.error}\n" for part in made.harness.part_failures]
    lines = made.harness.exposition().splitlines(keepends=True)
    return "".join([*failures, *(without_number(line) for line in lines if not line.startswith(EFFORT))])


def without_number(line):
    """What models say is tested where they are: here it matters which series there are."""
    return f"{line.rpartition(' ')[0]} …\n" if line.startswith(NUMBERS) else line
