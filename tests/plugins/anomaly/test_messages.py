"""What is said of an anomaly: the sentence for each type, and numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly.incidents.messages import (
    Observation,
    describe_anomaly,
    describe_company,
    format_number,
    unit_of_rows,
)

USE = Observation("CPU use of this machine", "ratio", 0.93, 0.12, 0.04, days_watched=9, days_unseen=6)
HEAT = Observation("Temperature (chip=k10temp)", "celsius", 43.21, 41.0, 0.5, days_watched=1.0, row_seconds=300.0)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.93, "ratio", "0.93"),
        (231.4, "watts", "231 W"),
        (1234.0, "watts", "1.23 kW"),
        (-1234.0, "watts", "-1.23 kW"),
        (999.0, "watts", "999 W"),
        (4.19e9, "bytes", "4.19 GB"),
        (5e12, "joules", "5 TJ"),
        (1.23e5, "bytes/s", "123 kB/s"),
        (2.4e6, "hertz", "2.4 MHz"),
        (0.0, "/s", "0 /s"),
        (0.04, "/s", "0.04 /s"),
        (71.25, "celsius", "71.2 °C"),
        (2.5e-5, "seconds", "2.50e-05 s"),
        (0.001, "seconds", "0.001 s"),
        (12.0, "seconds", "12 s"),
        (1500.0, "celsius", "1500 °C"),
        (999_999.0, "", "999999"),
        (1e6, "", "1.00e+06"),
        (123.4, "", "123"),
        (3.0, "volt_amperes", "3 volt_amperes"),
    ],
)
def test_numbers_are_written_as_people_read_them(value, unit, text):
    assert format_number(value, unit) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["watts", "bytes/s", "", "ratio", "lux"]))
def test_any_number_is_written_in_few_characters(value, unit):
    assert len(format_number(value, unit)) < 24


@pytest.mark.parametrize(
    ("unit", "is_counter", "text"),
    [
        ("joules", True, "watts"),
        ("joules", False, "joules"),
        ("bytes", True, "bytes/s"),
        ("", True, "/s"),
        ("", False, ""),
    ],
)
def test_a_counter_is_described_by_its_rate(unit, is_counter, text):
    assert unit_of_rows(unit, is_counter=is_counter) == text


class TestDetected:
    @pytest.mark.parametrize("anomaly_type", ["level", "record", "distribution", "multivariate"])
    def test_the_value_what_was_expected_and_since_when(self, anomaly_type):
        assert describe_anomaly(anomaly_type, USE) == (
            "CPU use of this machine is 0.93, expected 0.12 ± 0.04 at this time of day; the highest in 6 days"
        )

    @pytest.mark.parametrize(
        ("change", "ending"),
        [
            ({"days_unseen": 0}, " at this time of day"),
            ({"days_unseen": 1}, "; the highest since yesterday"),
            ({"days_unseen": 2}, "; the highest in 2 days"),
            ({"is_above": False}, "; the lowest in 6 days"),
            ({"days_unseen": 1, "is_above": False}, "; the lowest since yesterday"),
            ({"days_watched": 1.9, "days_unseen": 0}, "expected 0.12 ± 0.04"),
            ({"spread": None, "days_unseen": 0}, "expected 0.12 at this time of day"),
            ({"expected": None, "days_unseen": 0}, "this machine is 0.93"),
        ],
    )
    def test_what_is_not_known_is_left_out(self, change, ending):
        assert describe_anomaly("level", USE._replace(**change)).endswith(ending)


class TestRules:
    @pytest.mark.parametrize(
        ("rows", "duration"), [(30, "150 minutes"), (35, "175 minutes"), (36, "3 hours"), (300, "25 hours")]
    )
    def test_a_stuck_sensor(self, rows, duration):
        assert describe_anomaly("stuck", HEAT._replace(rows_lasting=rows)) == (
            f"Temperature (chip=k10temp) is stuck: exactly 43.2 °C for {duration}, although it always changed before"
        )

    def test_a_zero(self):
        assert describe_anomaly("zero", HEAT._replace(value=0.0)) == (
            "Temperature (chip=k10temp) is 0 °C, expected 41 °C ± 0.5 °C; it was hardly ever 0 in 24 hours"
        )

    @pytest.mark.parametrize("anomaly_type", ["missing", "level"])
    def test_a_series_without_a_value(self, anomaly_type):
        assert describe_anomaly(anomaly_type, HEAT._replace(value=None, rows_lasting=5)) == (
            "Temperature (chip=k10temp) is missing although its collector is running: no reading for 25 minutes"
        )

    @pytest.mark.parametrize(("rows", "duration"), [(5, "25 seconds"), (23, "115 seconds"), (24, "2 minutes")])
    def test_of_quick_rows_the_duration_is_in_seconds(self, rows, duration):
        text = describe_anomaly("missing", HEAT._replace(value=None, rows_lasting=rows, row_seconds=5.0))
        assert text.endswith(f"no reading for {duration}")

    @pytest.mark.parametrize(
        ("watched", "period"),
        [
            (0.0005, "43 seconds"),
            (0.1, "144 minutes"),
            (1.0, "24 hours"),
            (1.9, "46 hours"),
            (2.0, "2 days"),
            (6.0, "6 days"),
            (200.0, "30 days"),
        ],
    )
    def test_a_rare_event_is_the_first_of_the_month_that_is_known(self, watched, period):
        seen = Observation("Network receive errors (device=eth0)", "/s", 0.04, days_watched=watched)
        assert describe_anomaly("rare_event", seen) == (
            f"Network receive errors (device=eth0) is 0.04 /s, its first event in {period}"
        )


@pytest.mark.parametrize(
    ("anomaly_type", "related", "text"),
    [
        ("level", 0, ""),
        ("level", 1, "; 1 more series is unusual at the same time"),
        ("stuck", 4, "; 4 more series are unusual at the same time"),
        ("multivariate", 1, "; 2 series of this component are unusual together"),
    ],
)
def test_others_that_are_unusual_are_counted(anomaly_type, related, text):
    assert describe_company(anomaly_type, related) == text
