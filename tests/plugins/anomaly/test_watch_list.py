"""Which series are watched: chosen by name, labels or topic, from declared metrics and from foreign code."""

import pytest
from prometheus_client import Metric

from collector_core import Collector, Counter, Gauge, Info, Readings, RunReport, Selector, Unit
from collector_core.model.result import Result
from collector_core.plugins.discovery import discover
from collector_plugins.anomaly.config import DEFAULT_SERIES, Config
from collector_plugins.anomaly.detector import Detector
from collector_plugins.anomaly.incidents.catalogue import ACTIONS, ACTIONS_FOR_ANY, actions_for, component_of
from collector_plugins.anomaly.series.watch_list import WatchList
from collector_plugins.anomaly.series.watched_series import WatchedSeries

POWER = Gauge("host_power_watts", "Power.", Unit.WATTS, ("zone",), topic="power", of="rack")
BYTES = Counter("host_bytes_total", "Bytes.", Unit.BYTES)
ABOUT = Info("host_info", "About.", ("model",))
ROW = 60.0
START = 1_700_006_400.0


def report(zones=("a", "b"), *, collector="host", families=(), value=1.0):
    out = Readings((POWER, BYTES, ABOUT), max_series=1000)
    for zone in zones:
        out.add(POWER, value, zone=zone)
    out.add(BYTES, 5.0)
    out.add(ABOUT, model="x")
    if families:
        out.add_families(families)
    return RunReport(collector, collector, Result.OK, 0.0, START, START, {}, out.snapshot())


def foreign(value=7.0, kind="gauge", **labels):
    family = Metric("foreign_temperature", "Foreign.", kind)
    family.add_sample("foreign_temperature", labels, value)
    return family


class Listed:
    """A watch list and which series it began to watch."""

    def __init__(self, *series, exclude=(), limit=100):
        self.started = []
        self.list = WatchList(
            [Selector.parse(each) for each in series],
            [Selector.parse(each) for each in exclude],
            limit=limit,
            row_seconds=ROW,
            start_watching=self._start,
        )

    def _start(self, series):
        self.started.append(series.text)
        return WatchedSeries(series, "power", Detector(), ROW, START)

    def hear(self, *reports, row=0):
        for each in reports:
            self.list.add_readings(each)
        for watched in self.list.values():
            watched.close_row(START + row * ROW, collector_ran=True)
        return {text: watched.value for text, watched in self.list.items() if watched.value is not None}


def test_series_are_chosen_by_name_and_label():
    assert Listed('host_power_watts{zone="a"}').hear(report()) == {'host_power_watts{zone="a"}': 1.0}
    assert set(Listed("host_*").hear(report())) == {'host_power_watts{zone="a"}', 'host_power_watts{zone="b"}'}
    assert Listed("host_*").list.get("host_bytes_total") is None


def test_series_are_chosen_by_topic_and_of_what():
    assert len(Listed('{__topic__="power"}').hear(report())) == 2
    assert len(Listed('{__topic__="power",__of__="rack"}').hear(report())) == 2
    assert Listed('{__topic__="power",__of__="gpu"}').hear(report()) == {}


def test_a_series_that_two_selectors_choose_is_watched_once():
    listed = Listed("host_power_watts", '{zone="a"}', '{__topic__="power"}')
    assert listed.hear(report(value=3.0)) == {'host_power_watts{zone="a"}': 3.0, 'host_power_watts{zone="b"}': 3.0}
    assert len(listed.started) == 2


def test_what_is_excluded_is_not_watched():
    assert set(Listed("host_*", exclude=['{zone="a"}', "*_total"]).hear(report())) == {'host_power_watts{zone="b"}'}
    assert Listed("host_power_watts", exclude=['{__topic__="power"}']).hear(report()) == {}


def test_facts_and_distributions_are_not_watched():
    histogram = Metric("foreign_seconds", "Foreign.", "histogram")
    histogram.add_sample("foreign_seconds_count", {}, 5)
    listed = Listed("*")
    listed.hear(report(families=[histogram]))
    assert set(listed.list) == {'host_power_watts{zone="a"}', 'host_power_watts{zone="b"}', "host_bytes_total"}


def test_series_that_come_and_go_keep_their_watcher():
    listed = Listed("host_power_watts")
    first = listed.hear(report(("a",)))
    listed.hear(report(("b",)))
    assert set(listed.hear(report(("a", "b", "c")))) == {f'host_power_watts{{zone="{zone}"}}' for zone in "abc"}
    assert set(first) == {'host_power_watts{zone="a"}'}
    assert listed.started == [f'host_power_watts{{zone="{zone}"}}' for zone in "abc"]


def test_a_failed_run_says_nothing():
    failed = RunReport("host", "host", Result.ERROR, 0.0, START)
    assert Listed("*").hear(failed) == {}


def test_series_of_foreign_code_are_watched_too():
    listed = Listed("foreign_*")
    assert listed.hear(report(families=[foreign(probe="1")])) == {'foreign_temperature{probe="1"}': 7.0}
    assert listed.hear(
        report(
            families=[
                foreign(8.0, probe="1"),
            ]
        )
    ) == {'foreign_temperature{probe="1"}': 8.0}
    assert listed.started == ['foreign_temperature{probe="1"}']


def test_foreign_code_may_be_excluded():
    assert Listed("*", exclude=["foreign_*"]).hear(report((), families=[foreign()])) == {}


def test_a_foreign_value_that_is_no_number_is_absent():
    listed = Listed("foreign_*")
    for value in (float("inf"), float("-inf")):
        assert listed.hear(report(families=[foreign(value)])) == {}
    assert listed.started == []


class TestLimit:
    def test_series_beyond_it_are_counted(self):
        listed = Listed("host_power_watts", limit=3)
        listed.hear(report("abcde"))
        assert (len(listed.list), listed.list.unwatched) == (3, 2)

    @pytest.mark.parametrize(("minutes", "watched", "unwatched"), [(59, "ab", 1), (60, "bc", 0)])
    def test_a_series_that_is_missing_for_an_hour_makes_room(self, minutes, watched, unwatched):
        listed = Listed("host_power_watts", limit=2)
        listed.hear(report("ab"))
        for row in range(minutes):
            listed.hear(report("b"), row=row)
        listed.hear(report("bc"))
        assert set(listed.list) == {f'host_power_watts{{zone="{zone}"}}' for zone in watched}
        assert listed.list.unwatched == unwatched

    def test_one_that_found_no_room_is_let_in_once_there_is_some(self):
        listed = Listed("host_power_watts", limit=1)
        listed.hear(report("a"), report("b", collector="other"))
        assert listed.list.unwatched == 1
        for row in range(60):
            listed.hear(report(()), report("b", collector="other"), row=row)
        listed.list.drop_forgotten(START + 60 * ROW)
        assert listed.hear(report(()), report("b", collector="other"), row=61) == {'host_power_watts{zone="b"}': 1.0}
        assert listed.list.unwatched == 0

    def test_without_room_nothing_is_looked_up_again(self):
        listed = Listed("host_power_watts", limit=1)
        listed.hear(report("ab"))
        listed.list.drop_forgotten(START)
        assert listed.list.unwatched == 1


def test_a_series_that_was_not_seen_for_a_week_is_forgotten():
    listed = Listed("host_power_watts")
    listed.hear(report("ab"))
    listed.list['host_power_watts{zone="b"}'].last_row_at += 60
    week = 7 * 86_400
    listed.list.drop_forgotten(START + week)
    assert len(listed.list) == 2
    listed.list.drop_forgotten(START + week + 1)
    assert set(listed.list) == {'host_power_watts{zone="b"}'}
    assert set(listed.hear(report("ab"))) == {'host_power_watts{zone="a"}', 'host_power_watts{zone="b"}'}


def series_of(plugin, name):
    """The series of a bundled plugin's metric, as it is published."""
    cls = discover({plugin}).types[plugin]
    (metric,) = (each for each in cls.metrics if each.name == name)
    out = Readings((metric,), max_series=10)
    out.add(metric, 1.0, **dict.fromkeys(metric.labels, "x"))
    published = RunReport(plugin, plugin, Result.OK, 0.0, START, snapshot=out.snapshot()).published
    [(series, _)] = Selector.parse(name).select([published])
    return series


@pytest.mark.parametrize(
    ("plugin", "name", "component"),
    [
        ("system", "system_cpu_usage_ratio", "cpu"),
        ("system", "system_load_average", "cpu"),
        ("system", "system_memory_used_bytes", "memory"),
        ("system", "system_swap_used_bytes", "memory"),
        ("system", "system_disk_read_bytes_total", "disk"),
        ("system", "system_network_receive_bytes_total", "network"),
        ("system", "system_temperature_celsius", "temperature"),
        ("performance", "performance_network_latency_seconds", "network"),
        ("energy", "energy_power_watts", "power"),
        ("rapl", "rapl_energy_joules_total", "power"),
        ("nvidia", "nvidia_gpu_power_watts", "gpu"),
        ("nvidia", "nvidia_gpu_temperature_celsius", "gpu"),
        ("qemu", "qemu_vm_power_watts", "vm"),
        ("solix", "solix_solar_power_watts", "battery"),
        ("blockchain", "blockchain_peers", "node"),
        ("inference", "inference_latency_p95_seconds", "inference"),
        ("quantum", "quantum_random_throughput_bytes_per_second", "quantum"),
    ],
)
def test_the_components_of_bundled_plugins_keep_their_names(plugin, name, component):
    series = series_of(plugin, name)
    assert component_of(series, plugin) == component
    assert actions_for(component, "level") == ACTIONS[component]
    assert series.title


def test_a_component_is_what_the_metric_is_of_or_else_its_plugin():
    listed = Listed("*")
    listed.hear(report())
    power, counter = listed.list['host_power_watts{zone="a"}'].series, listed.list["host_bytes_total"].series
    assert component_of(power, "greenhouse") == "rack"
    assert component_of(counter, "greenhouse") == "greenhouse"
    assert actions_for("rack", "level") == ACTIONS_FOR_ANY


@pytest.mark.parametrize("rule", ["stuck", "zero", "missing"])
def test_what_a_rule_finds_is_looked_for_with_doctor_first(rule):
    first, *rest = actions_for("gpu", rule)
    assert "energy-collector doctor" in first
    assert tuple(rest) == ACTIONS["gpu"]


def test_what_is_watched_by_default(collector_golden, request):
    """Of the bundled plugins: what has a usual level. Look at the difference before you accept it."""
    chosen = Config().selectors
    names = [
        metric.name
        for _, cls in sorted(discover().types.items())
        for metric in cls.metrics
        if metric.kind != "info"
        and any(each.matches(metric.name, EVERY, topic=metric.topic, of=metric.of) for each in chosen)
    ]
    collector_golden.check("\n".join(names) + "\n", request.path.parent / "watched_by_default.txt")


class EveryLabel(dict):
    """Labels that have the value that the default series ask for."""

    def get(self, label, default=None):
        return {"period": "5m"}.get(label, default)


EVERY = EveryLabel()


def test_the_default_names_no_series_that_its_topics_choose():
    topics = [Selector.parse(text) for text in DEFAULT_SERIES if text.startswith("{")]
    names = [Selector.parse(text) for text in DEFAULT_SERIES if not text.startswith("{")]
    metrics = [metric for cls in discover().types.values() for metric in cls.metrics]
    for name in names:
        meant = [m for m in metrics if name.matches(m.name, EVERY)]
        assert meant, f"{name} chooses nothing"
        assert not all(any(t.matches(m.name, {}, topic=m.topic, of=m.of) for t in topics) for m in meant), name


@pytest.mark.parametrize("option", ["series", "exclude", "history_series"])
def test_a_wrong_selector_is_refused(option):
    with pytest.raises(ValueError, match="position"):
        Config.model_validate({option: ['system_cpu{cpu="0"']})


class Greenhouse(Collector):
    """A third-party plugin that nobody here knows."""

    name = "greenhouse"
    metrics = (
        Gauge("greenhouse_power_watts", "Power drawn.", Unit.WATTS, ("plug",), topic="power", of="greenhouse",
              title="Power of the greenhouse"),
        Gauge("greenhouse_soil_humidity_ratio", "Humidity.", Unit.RATIO, of="soil"),
    )  # fmt: skip
    power = 0.0
    humidity = 0.0

    def collect(self, out):
        out.add(self.metrics[0], self.power, plug="lamps")
        out.add(self.metrics[1], self.humidity)


@pytest.fixture
def greenhouse(collector_harness, tmp_path):
    """Lets a third-party plugin run beside the anomaly plugin, row by row; returns the anomalies."""
    from random import Random

    from collector_core.testing import FakeClock
    from collector_plugins.anomaly import Anomaly

    def anomalies(**options):
        clock, random = FakeClock(), Random(1)
        plugin = collector_harness(Greenhouse, clock=clock)
        options = {"state_dir": str(tmp_path), "history_days": 0, "warm_up_days": 0, "save_every": "1d"} | options
        anomaly = collector_harness(Anomaly, clock=clock, **options)
        for row in range(400):
            plugin.collector.power = random.gauss(100, 2) + 400 * (row >= 380)
            plugin.collector.humidity = random.gauss(0.5, 0.01) + 0.4 * (row >= 380)
            plugin.run(advance=60)
            anomaly.hear(plugin.report())
            anomaly.run()
        return anomaly.collector._latest

    return anomalies


def test_a_new_plugin_is_watched_and_described_without_an_edit_here(greenhouse):
    (anomaly,) = greenhouse()
    assert anomaly.component == "greenhouse"
    assert anomaly.description.startswith("Power of the greenhouse (plug=lamps) is 499 W")
    assert ", expected 100 W ± 1.5 W" in anomaly.description
    assert anomaly.series == 'greenhouse_power_watts{plug="lamps"}'


def test_a_metric_without_a_title_is_described_by_its_name(greenhouse):
    (anomaly,) = greenhouse(series=["greenhouse_soil_*"])
    assert anomaly.component == "soil"
    assert anomaly.description.startswith("greenhouse_soil_humidity_ratio is 0.891")
