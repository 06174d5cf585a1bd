"""The state machine of incidents: what begins, joins, lasts and ends; row by row, with series whose rows are given."""

import pytest

from collector_core import Series
from collector_plugins.anomaly.detector import Detector, Verdict
from collector_plugins.anomaly.detector.component_detector import ComponentDetector
from collector_plugins.anomaly.incidents.incident import MAX_RELATED, Incident
from collector_plugins.anomaly.incidents.incident_store import IncidentStore
from collector_plugins.anomaly.incidents.incident_tracker import IncidentTracker
from collector_plugins.anomaly.incidents.messages import observe
from collector_plugins.anomaly.incidents.severity import floor_of, severity_of
from collector_plugins.anomaly.incidents.symptoms import Symptom
from collector_plugins.anomaly.series.watched_series import WatchedSeries

START = 1_700_006_400.0
ROW = 60.0
FROM_DETECTORS = ["level", "record", "distribution", "multivariate"]
FROM_RULES = ["missing", "stuck", "zero", "rare_event"]


def series_of(name="host_power_watts", component="power", unit="watts", title="Power", labels=None, kind="gauge"):
    series = Series(name, name, labels or {}, kind, unit, "", "host", "power", component, title)
    return WatchedSeries(series, component, Detector(), ROW, START)


def show(watched, *, value=50.0, size=0.0, score=0.0, expected=50.0):
    """Give the series a last row."""
    verdict = Verdict()
    verdict.warming_up, verdict.size, verdict.score, verdict.expected = False, size, score, expected
    watched.value, watched.verdict, watched.expected = value, verdict, expected
    return watched


class Board:
    """Some series and the tracker, row by row."""

    def __init__(self, *watched, limit=10):
        self.watched = {each.series.text: each for each in watched}
        self.components = {}
        self.tracker = IncidentTracker(limit)
        self.when = START

    def row(self, *symptoms):
        """One row with these symptoms; returns what begins."""
        self.when += ROW
        begun = self.tracker.record_symptoms(list(symptoms), self.when, self.watched, self.components)
        self.tracker.close_row(self.when, self.watched)
        return begun

    def rows_until_over(self, limit=2000):
        """How many further rows the one incident lasts."""
        for count in range(1, limit + 1):
            self.row()
            if not list(self.tracker.active):
                return count
        return None

    @property
    def lasting(self):
        return [active.incident for active in self.tracker.active]

    def counts(self):
        return {key: number for key, number in self.tracker.active.count_by_kind().items() if number}


def odd(watched, anomaly_type="level", size=12.0):
    return Symptom(show(watched, value=90.0, size=size, score=0.7), anomaly_type)


class TestBegin:
    def test_a_symptom_begins_an_incident_with_its_numbers(self):
        power = series_of()
        [incident] = Board(power).row(odd(power))
        assert (incident.type, incident.component, incident.series) == ("level", "power", "host_power_watts")
        assert (incident.time, incident.ended) == (START + ROW, None)
        assert (incident.value, incident.expected, incident.score) == (90.0, 50.0, 0.7)
        assert incident.description.startswith("Power is 90 W, expected 50 W")
        assert incident.actions[0].startswith("Find the component")

    def test_symptoms_of_one_component_are_one_incident_led_by_the_largest(self):
        one, two, three = (series_of(f"power_{number}") for number in range(3))
        [incident] = Board(one, two, three).row(odd(one, size=5), odd(two, size=-40), odd(three, "record", size=6))
        assert incident.series == "power_1"
        assert incident.related == ["power_0", "power_2"]
        assert incident.description.endswith("; 2 more series are unusual at the same time")

    def test_symptoms_of_two_components_are_two_incidents_related_to_each_other(self):
        power, heat = series_of(), series_of("heat", "temperature")
        first, second = Board(power, heat).row(odd(power), odd(heat))
        assert (first.component, second.component) == ("power", "temperature")
        assert (first.related, second.related) == (["heat"], ["host_power_watts"])
        assert first.description.endswith("; 1 more series is unusual at the same time")

    def test_what_rules_and_detectors_find_is_kept_apart(self):
        one, two, three = (series_of(f"power_{number}") for number in range(3))
        begun = Board(one, two, three).row(odd(one), Symptom(show(two), "stuck"), Symptom(show(three), "zero"))
        assert [each.type for each in begun] == ["level", "stuck", "zero"]

    def test_a_component_as_a_whole_leads_before_a_larger_series(self):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        [incident] = board.row(odd(one, size=50), Symptom(show(two, size=4), "multivariate"))
        assert (incident.type, incident.series) == ("multivariate", "power_1")
        assert incident.description.endswith("; 2 series of this component are unusual together")

    def test_a_component_as_a_whole_is_related_to_its_members_that_are_off(self):
        lead, near, calm, other = (series_of(f"power_{n}") for n in range(4))
        elsewhere = show(series_of("heat", "temperature"), size=50)
        show(near, size=-2.0)
        show(calm, size=1.9)
        show(other, size=2.5)
        [incident] = Board(lead, near, calm, other, elsewhere).row(odd(lead, "multivariate"))
        assert incident.related == ["power_1", "power_3"]

    def test_one_without_a_verdict_scores_1(self):
        power = series_of()
        power.rows_missed = 5
        [incident] = Board(power).row(Symptom(power, "missing"))
        assert (incident.score, incident.value) == (1.0, None)
        assert "no reading for 5 minutes" in incident.description

    def test_more_related_series_than_fit_are_left_out(self):
        many = [series_of(f"power_{number}") for number in range(40)]
        [incident] = Board(*many).row(*map(odd, many))
        assert len(incident.related) == MAX_RELATED
        assert "39 more series" in incident.description

    def test_nothing_begins_without_symptoms(self):
        assert Board(series_of()).row() == []


class TestJoin:
    def test_what_follows_within_ten_rows_in_the_component_joins(self):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        [incident] = board.row(odd(one))
        for _ in range(9):
            assert board.row() == []
        assert board.row(odd(two)) == []
        assert incident.related == ["power_1"]
        assert board.lasting == [incident]

    def test_what_follows_after_more_than_ten_rows_is_another_one(self):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        [first] = board.row(odd(one))
        for _ in range(10):
            board.row()
        [second] = board.row(odd(two))
        assert board.lasting == [first, second]
        assert first.related == []

    @pytest.mark.parametrize("anomaly_type", FROM_DETECTORS)
    @pytest.mark.parametrize("following", FROM_DETECTORS)
    def test_all_that_detectors_find_joins(self, anomaly_type, following):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        board.row(odd(one, anomaly_type))
        assert board.row(odd(two, following)) == []

    @pytest.mark.parametrize("anomaly_type", ["level", *FROM_RULES])
    @pytest.mark.parametrize("following", FROM_RULES)
    def test_what_a_rule_finds_joins_its_own_kind_only(self, anomaly_type, following):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        board.row(odd(one, anomaly_type))
        one.rows_missed = 1  # the first one lasts, whatever it is
        assert bool(board.row(odd(two, following))) is (anomaly_type != following)

    def test_another_component_does_not_join(self):
        power, heat = series_of(), series_of("heat", "temperature")
        board = Board(power, heat)
        board.row(odd(power))
        assert [each.component for each in board.row(odd(heat))] == ["temperature"]

    def test_the_severity_rises_with_what_joins_and_never_falls(self):
        one, two, three = (series_of(f"power_{number}") for number in range(3))
        board = Board(one, two, three)
        [incident] = board.row(odd(one, size=5))
        assert incident.severity == 2
        board.row(odd(two, size=12))
        assert incident.severity == 3
        board.row(odd(three, size=-35))
        assert incident.severity == 5
        board.row(odd(two, size=3.5))
        assert incident.severity == 5

    def test_the_largest_of_those_that_join_counts(self):
        one, two, three = (series_of(f"power_{number}") for number in range(3))
        board = Board(one, two, three)
        [incident] = board.row(odd(one, size=5))
        board.row(odd(two, size=-35), odd(three, size=4))
        assert incident.severity == 5

    def test_series_of_all_incidents_are_covered(self):
        power, heat = series_of(), series_of("heat", "temperature")
        board = Board(power, heat)
        board.row(odd(power), odd(heat))
        assert board.tracker.active.covers("heat", "stuck")
        assert board.tracker.active.covers("host_power_watts", "stuck")

    def test_a_series_that_joins_is_covered(self):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        board.row(odd(one))
        assert board.tracker.active.covers("power_0", "stuck")
        assert not board.tracker.active.covers("power_1", "stuck")
        board.row(odd(two))
        assert board.tracker.active.covers("power_1", "stuck")

    @pytest.mark.parametrize("rule", ["stuck", "zero", "missing", "rare_event"])
    def test_a_drift_covers_nothing_but_itself(self, rule):
        power = series_of()
        board = Board(power)
        board.row(Symptom(show(power), "drift"))
        assert board.tracker.active.covers("host_power_watts", "drift")
        assert not board.tracker.active.covers("host_power_watts", rule)
        board.row(Symptom(show(power), rule))
        assert board.tracker.active.covers("host_power_watts", rule)

    def test_what_joins_is_not_counted_again(self):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        board.row(odd(one))
        board.row(odd(two))
        assert sum(board.tracker.store.detected.values()) == 1
        assert len(board.tracker.store.newest_first()) == 1


class TestEnd:
    @pytest.mark.parametrize("anomaly_type", ["level", "record", "distribution"])
    def test_of_a_detector_after_three_calm_rows(self, anomaly_type):
        power = series_of()
        board = Board(power)
        [incident] = board.row(odd(power, anomaly_type))
        for _ in range(20):
            board.row()
        show(power)
        assert board.rows_until_over() == 3
        assert incident.ended == board.when

    @pytest.mark.parametrize(("size", "score"), [(3.0, 0.0), (-3.0, 0.0), (0.0, 0.5), (None, 0.5)])
    def test_a_row_that_is_large_or_odd_is_not_calm(self, size, score):
        power = series_of()
        board = Board(power)
        board.row(odd(power))
        show(power, size=size, score=score)
        for _ in range(20):
            board.row()
        assert len(board.lasting) == 1

    def test_calm_rows_must_follow_each_other(self):
        power = series_of()
        board = Board(power)
        board.row(odd(power))
        for _ in range(10):
            show(power)
            board.row()
            board.row()
            show(power, size=9.0)
            board.row()
        assert len(board.lasting) == 1

    def test_a_row_without_a_value_is_not_calm(self):
        power = series_of()
        board = Board(power)
        board.row(odd(power))
        power.value = power.verdict = None
        for _ in range(20):
            board.row()
        assert len(board.lasting) == 1

    def test_of_a_detector_not_before_five_rows(self):
        power = series_of()
        board = Board(power)
        board.row(odd(power))
        show(power)
        assert board.rows_until_over() == 4

    def test_of_a_detector_at_last_after_a_day(self):
        power = series_of()
        board = Board(power)
        board.row(odd(power))
        assert board.rows_until_over() == 1439

    def test_of_a_component_by_its_own_distance(self):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        board.components["power"] = detector = ComponentDetector(Detector())
        detector.verdict = show(series_of(), size=9.0, score=0.9).verdict
        board.row(odd(one, "multivariate"))
        show(one)
        for _ in range(20):
            board.row()
        assert len(board.lasting) == 1
        detector.verdict = show(series_of(), size=1.0, score=0.1).verdict
        assert board.rows_until_over() == 3

    def test_a_series_that_leads_within_an_unusual_component_ends_by_itself(self):
        power = series_of()
        board = Board(power)
        board.components["power"] = detector = ComponentDetector(Detector())
        detector.verdict = show(series_of(), size=9.0, score=0.9).verdict
        board.row(odd(power))
        show(power)
        assert board.rows_until_over() == 4

    def test_missing_when_there_is_a_reading_again(self):
        power = series_of()
        power.rows_missed = 5
        board = Board(power)
        [incident] = board.row(Symptom(power, "missing"))
        for _ in range(3000):
            power.rows_missed += 1
            board.row()
        assert incident.ended is None
        power.rows_missed = 0
        assert board.rows_until_over() == 1

    def test_zero_when_the_value_is_another_one(self):
        power = series_of()
        board = Board(power)
        board.row(Symptom(show(power, value=0.0), "zero"))
        for _ in range(10):
            board.row()
        power.value = None
        board.row()
        assert len(board.lasting) == 1
        power.value = 0.1
        assert board.rows_until_over() == 1

    @pytest.mark.parametrize("rule", ["stuck", "rare_event"])
    def test_a_rule_when_it_is_no_longer_broken(self, rule):
        power = series_of()
        power.rules.active = rule
        board = Board(power)
        board.row(Symptom(show(power), rule))
        for _ in range(3000):
            board.row()
        assert len(board.lasting) == 1
        power.rules.active = "zero"
        assert board.rows_until_over() == 1

    @pytest.mark.parametrize("rule", FROM_RULES)
    def test_of_a_rule_not_before_five_rows(self, rule):
        power = show(series_of())
        board = Board(power)
        board.row(Symptom(power, rule))
        assert board.rows_until_over() == 4

    def test_when_its_series_is_no_longer_watched(self):
        power = series_of()
        board = Board(power)
        [incident] = board.row(odd(power))
        board.watched.clear()
        board.row()
        assert (board.lasting, incident.ended) == ([], board.when)

    def test_one_that_ends_leaves_the_others(self):
        power, heat = series_of(), series_of("heat", "temperature")
        board = Board(power, heat)
        first, second = board.row(odd(power), odd(heat))
        show(heat)
        for _ in range(6):
            board.row()
        assert board.lasting == [first]
        assert second.ended is not None

    def test_what_lasted_before_a_restart_goes_on_with_its_series(self):
        power = show(series_of(), value=90.0, size=12.0, score=0.7)
        board = Board(power)
        before = Incident(START - 600, "level", 3, "power", power.series.text, "words", 0.9)
        board.tracker.restore([before])
        assert board.counts() == {("power", "level", "3"): 1}
        board.tracker.active.resume(power)
        for _ in range(20):
            board.row()
        assert board.lasting == [before]
        assert board.tracker.active.covers(power.series.text, "stuck")
        show(power)
        assert board.rows_until_over() == 3
        assert before.ended == board.when

    def test_what_lasted_before_a_restart_is_over_when_its_series_does_not_come_back(self):
        board = Board()
        before = Incident(START - 600, "level", 3, "power", "gone", "words", 0.9)
        board.tracker.restore([before])
        for _ in range(10):
            board.row()
        assert board.counts() == {("power", "level", "3"): 1}
        board.row()
        assert board.counts() == {}
        assert before.ended == board.when

    def test_what_comes_back_after_the_end_is_a_new_incident(self):
        power = series_of()
        board = Board(power)
        [first] = board.row(odd(power))
        show(power)
        board.rows_until_over()
        [second] = board.row(odd(power))
        assert first.id != second.id
        assert sum(board.tracker.store.detected.values()) == 2


class TestCounts:
    def test_each_kind_is_counted_by_component_type_and_severity(self):
        power, heat, fan = series_of(), series_of("heat", "temperature"), series_of("fan", "temperature")
        board = Board(power, heat, fan)
        board.row(odd(power, size=5), odd(heat, size=5), Symptom(show(fan), "stuck"))
        assert board.counts() == {
            ("power", "level", "3"): 1, ("temperature", "level", "3"): 1, ("temperature", "stuck", "2"): 1,
        }  # fmt: skip

    def test_a_kind_that_is_over_is_0_and_does_not_vanish(self):
        power = series_of()
        board = Board(power)
        board.row(odd(power, size=5))
        board.counts()
        show(power)
        board.rows_until_over()
        assert board.tracker.active.count_by_kind() == {("power", "level", "2"): 0}

    def test_a_severity_that_rises_moves_the_count(self):
        one, two = series_of("power_0"), series_of("power_1")
        board = Board(one, two)
        board.row(odd(one, size=5))
        board.counts()
        board.row(odd(two, size=12))
        assert board.tracker.active.count_by_kind() == {("power", "level", "2"): 0, ("power", "level", "3"): 1}

    def test_others_that_are_only_shown_count_too(self):
        shown = Incident(START, "level", 4, "gpu", "x", "words", 0.9)
        assert IncidentTracker(5).active.count_by_kind([shown]) == {("gpu", "level", "4"): 1}


class TestStore:
    def incident(self, number, **changes):
        return Incident(START + number, "level", 2, "cpu", "x", "words", 0.9, **changes)

    def times(self, store):
        return [each.time - START for each in store.newest_first()]

    def test_the_oldest_makes_room(self):
        store = IncidentStore(2)
        for number in range(3):
            store.add(self.incident(number))
        assert self.times(store) == [2, 1]
        assert store.detected == {("cpu", "level", "2"): 3}

    def test_those_of_before_a_restart_are_older_and_not_counted(self):
        store = IncidentStore(10)
        store.add(self.incident(9))
        store.restore([self.incident(1), self.incident(2)])
        assert self.times(store) == [9, 2, 1]
        assert sum(store.detected.values()) == 1

    def test_too_many_of_before_a_restart_leave_the_newest(self):
        store = IncidentStore(2)
        store.restore([self.incident(number) for number in range(5)])
        assert self.times(store) == [4, 3]


class TestIncident:
    def test_its_id_is_the_same_after_a_restart(self):
        incident = Incident(START, "level", 2, "cpu", "x", "words", 0.9, 1.0, 2.0, ["y"], ("look",))
        again = Incident.restore(incident.state())
        assert again.id == incident.id
        assert (again.ended, again.actions, again.related) == (None, ("look",), ["y"])

    @pytest.mark.parametrize("change", [{"time": START + 1}, {"type": "record"}, {"series": "y"}])
    def test_another_one_has_another_id(self, change):
        state = Incident(START, "level", 2, "cpu", "x", "words", 0.9).state()
        assert Incident(**state).id != Incident(**state | change).id

    def test_an_end_that_was_saved_stays(self):
        state = Incident(START, "level", 2, "cpu", "x", "words", 0.9, ended=START + 5).state()
        assert Incident.restore(state).ended == START + 5

    def test_it_is_not_related_to_itself_or_twice_to_another(self):
        incident = Incident(START, "level", 2, "cpu", "x", "words", 0.9)
        incident.add_related(["x", "y", "y", "z"])
        incident.add_related(["z", "a"])
        assert incident.related == ["y", "z", "a"]


@pytest.mark.parametrize(
    ("size", "related", "floor", "severity"),
    [
        (3.9, 0, 2, 1), (4.0, 0, 2, 2), (3.9, 1, 2, 2), (9.9, 1, 2, 2), (9.9, 2, 2, 3), (10.0, 0, 2, 3),
        (29.9, 0, 2, 3), (30.0, 0, 2, 4), (30.0, 2, 2, 5), (99.0, 9, 5, 5), (1.0, 0, 1, 1), (5.0, 0, 1, 1),
        (5.0, 2, 1, 2),
    ],
)  # fmt: skip
def test_the_severity_grows_with_size_and_company(size, related, floor, severity):
    assert severity_of(size, related, floor) == severity


def test_stuck_sensors_and_rare_events_are_minor():
    assert {each: floor_of(each) for each in ("stuck", "rare_event", "zero", "missing", "level")} == {
        "stuck": 1, "rare_event": 1, "zero": 2, "missing": 2, "level": 2,
    }  # fmt: skip


def test_the_size_of_what_a_rule_found_does_not_change_its_severity():
    power = series_of()
    [small] = Board(power).row(Symptom(show(power, size=0.1), "zero"))
    [large] = Board(power).row(Symptom(show(power, size=500.0), "zero"))
    assert small.severity == large.severity == 2


class TestObserve:
    def test_the_spread_is_what_one_robust_scale_is_in_the_unit(self):
        seen = observe(show(series_of(), value=90.0, expected=50.0, size=8.0), START)
        assert (seen.value, seen.expected, seen.spread, seen.is_above) == (90.0, 50.0, 5.0, True)
        assert (seen.title, seen.unit) == ("Power", "watts")

    def test_below_the_expectation(self):
        seen = observe(show(series_of(), value=10.0, expected=50.0, size=-8.0), START)
        assert (seen.spread, seen.is_above) == (5.0, False)

    @pytest.mark.parametrize("row", [{"value": None}, {"expected": None}, {"size": None}, {"size": 0.0}])
    def test_without_both_numbers_there_is_no_spread(self, row):
        assert observe(show(series_of(), **{"size": 2.0} | row), START).spread is None

    def test_the_days_since_a_value_was_last_like_this(self):
        power = series_of()
        for day in range(5):
            power.extremes.add(60.0 - day, START + day * 86_400)
        assert observe(show(power, value=58.5, size=5.0), START + 5 * 86_400).days_unseen == 4
        assert observe(show(power, value=58.5, size=-5.0), START + 5 * 86_400).days_unseen == 1
        assert observe(show(power, value=None), START + 5 * 86_400).days_unseen == 0

    def test_how_long_it_has_been_watched_missing_or_unchanged(self):
        power = series_of()
        power.rules.same, power.rows_missed = 40, 7
        assert observe(show(power), START + 43_200).days_watched == 0.5
        assert observe(show(power), START).rows_lasting == 40
        assert observe(show(power, value=None), START).rows_lasting == 7

    def test_a_counter_is_described_per_second(self):
        counter = series_of("net_bytes_total", "network", "bytes", "Traffic", {"device": "eth0"}, kind="counter")
        seen = observe(show(counter), START)
        assert (seen.title, seen.unit) == ("Traffic (device=eth0)", "bytes/s")
