"""`energy-collector forecast FILE` and `forecast backtest FILE`: files as people have them."""

import contextlib
import csv
import io
import json
import math
import random
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from collector_core import Subcommands
from collector_core.cli.plugin_commands import GroupWithDefault, _command
from collector_plugins import forecast as plugin
from collector_plugins.forecast.durations import parse_duration
from collector_plugins.forecast.files.table import Unreadable, read_points, read_table
from collector_plugins.forecast.files.times import parse_time
from collector_plugins.forecast.numeric.libraries import LIBRARIES
from collector_plugins.forecast.series import regular
from tests.plugins.forecast.series_made import HOUR, START, daily


def command():
    subcommands = Subcommands("forecast")
    plugin.collector_commands(subcommands)
    own = {name: _command(name, function) for name, function in subcommands.own.items()}
    return GroupWithDefault("forecast", own, _command("forecast", subcommands.default))


def run(*arguments, stdin=None):
    done = CliRunner().invoke(command(), [str(each) for each in arguments], input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def written(series, form="{time},{value}", heading="time,watts", count=None):
    lines = [heading] if heading else []
    for place, value in enumerate(series.values[:count]):
        seconds = series.start + place * series.step
        moment = datetime.fromtimestamp(seconds, UTC)
        shown = "" if value is None else round(value, 3)
        lines.append(form.format(time=moment.isoformat(), moment=moment, seconds=f"{seconds:.0f}", value=shown))
    return "\n".join(lines) + "\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "load.csv"
    path.write_text(written(daily(21)))
    return path


def test_a_row_per_step_with_its_quantiles(file):
    done = run(file, "--horizon", "24h")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.exit_code == 0
    assert list(rows[0]) == ["time", "p10", "p50", "p90"]
    assert [row["time"] for row in rows[:2]] == ["2023-12-05T00:00:00Z", "2023-12-05T01:00:00Z"]
    assert len(rows) == 24
    assert all(float(row["p10"]) <= float(row["p50"]) <= float(row["p90"]) for row in rows)


def test_json_has_the_record_too(file):
    document = json.loads(run(file, "--format", "json", "--quantiles", "0.25,0.5", "--horizon", "2h").stdout)
    assert [set(row) for row in document["forecast"]] == [{"time", "p25", "p50"}] * 2
    assert document["mase"]["combination"] < 1
    assert set(document["coverage"]) == {"0.8", "0.95"}


def test_rows_come_from_standard_input_in_any_order():
    first, *rows = written(daily(21)).splitlines()
    one, other = run("-", stdin="\n".join([first, *rows])), run("-", stdin="\n".join([first, *reversed(rows), rows[3]]))
    assert one.stdout == other.stdout
    assert one.exit_code == 0


@pytest.mark.parametrize(
    ("form", "heading"),
    [
        ("{time};{value}", "\ufefftime;watts"),
        ("{seconds},{value}", "ts,watts"),
        ("{seconds}000\t{value}", None),
        ("{moment:%d.%m.%Y %H:%M};{value}", "Datum;Leistung"),
        ("{moment:%m/%d/%Y %I:%M %p},{value}", "when,watts"),
        ("{moment:%Y/%m/%d %H:%M:%S},{value}", "x,y"),
        ('house,"{time}","{value}"', "sensor,time,watts"),
    ],
)
def test_files_as_people_have_them_say_the_same(form, heading):
    series = daily(14)
    expected = [(series.start + place * HOUR, round(value, 3)) for place, value in enumerate(series.values)]
    text = written(series, form, heading)
    assert list(read_points(read_table(text.encode()))) == expected


def test_decimal_commas_and_empty_cells():
    text = "Zeit;Watt\n01.02.2024 00:00;1.234,5\n01.02.2024 01:00;\n01.02.2024 02:00;7\n"
    assert [value for _, value in read_points(read_table(text.encode()))] == [1234.5, 7.0]


def values_of(*cells, separator=";"):
    rows = "".join(f"2024-02-01 {hour:02}:00{separator}{cell}\n" for hour, cell in enumerate(cells))
    return [value for _, value in read_points(read_table(f"Zeit{separator}Watt\n{rows}".encode()))]


@pytest.mark.parametrize(
    ("cells", "separator", "expected"),
    [
        (("0,5", "1.234", "1.234.567,5"), ";", [0.5, 1234.0, 1_234_567.5]),
        (("0.5", "1.234"), ";", [0.5, 1.234]),
        (('"7,5"', '"10,25"'), ",", [7.5, 10.25]),
        (('"1,234"', '"1,234,567.5"', "12"), ",", [1234.0, 1_234_567.5, 12.0]),
        (("1’234", "12\u202f000", "-5"), ";", [1234.0, 12_000.0, -5.0]),
        (("1e999", "nan", "3"), ";", [3.0]),
        (('"5 000"', "7"), ",", [5000.0, 7.0]),
    ],
)
def test_numbers_are_read_as_people_write_them(cells, separator, expected):
    assert values_of(*cells, separator=separator) == expected


def test_what_nothing_measures_is_left_out():
    rows = "".join(
        f"{START + HOUR * row:.0f},{'1e308' if row % 9 == 5 else row % 24}\n" for row in range(24 * 9) for _ in "ab"
    )
    done = run("-", stdin=f"time,w\n{rows}")
    assert max(float(row["p90"]) for row in csv.DictReader(io.StringIO(done.stdout))) < 30


def test_a_decimal_comma_that_comes_late_is_one():
    rows = "".join(f"{START + HOUR * row:.0f};{'7,5' if row == 300 else row}\n" for row in range(310))
    assert list(read_points(read_table(f"time;w\n{rows}".encode())))[300] == (START + HOUR * 300, 7.5)


@pytest.mark.parametrize(
    "text", ["20240302", "2024030200", "202403020000", "20240302000000", "2024-03-01 24:00", "1.3.2024 24:00"]
)
def test_times_without_signs_between_and_the_end_of_a_day(text):
    assert parse_time(text, day_first=True) == datetime(2024, 3, 2, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("text", ["nan", "1e999", "-9e10", "0001-01-01", "9999-12-31 24:00"])
def test_a_time_that_cannot_be_is_refused(text):
    with pytest.raises(ValueError, match="out of range"):
        parse_time(text)


def test_a_first_line_that_states_the_separator_is_none_of_the_rows():
    assert list(read_points(read_table(b"sep=;\r\ntime;w\r\n60;1,5\r\n"))) == [(60.0, 1.5)]


def test_a_long_file_takes_little_more_memory_than_its_bytes():
    content = ("time,w\n" + "".join(f"{START + 60 * row:.0f},{row}\n" for row in range(50_000))).encode()
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_points(read_table(content)))
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 50_000
    assert taken < len(content)


def test_years_of_minutes_are_no_wrong_time_but_one_of_another_century_is(monkeypatch):
    monkeypatch.setattr("collector_plugins.forecast.series.MOST_STEPS", 1000)
    minutes = [(START + 60.0 * row, 1.0) for row in range(0, 9000, 3)]
    assert len(regular(minutes, 60.0).values) == 8998
    with pytest.raises(ValueError, match="from 1970-01-01 to 2023-11-2.*a time is wrong"):
        regular([(0.0, 1.0), *minutes])


def test_the_hour_that_comes_twice_is_two_hours():
    text = "time,w\n2025-10-26 01:00,1\n2025-10-26 02:00,2\n2025-10-26 02:00,3\n2025-10-26 03:00,4\n"
    times = [time for time, _ in read_points(read_table(text.encode()), zone=ZoneInfo("Europe/Berlin"))]
    assert [later - times[0] for later in times] == [0, 3600, 7200, 10_800]


def times_said(text, *arguments):
    done = run("-", *arguments, stdin=text)
    assert done.exit_code == 0, done.output
    return [row["time"] for row in csv.DictReader(io.StringIO(done.stdout))]


def test_steps_are_as_late_in_the_hour_as_the_rows():
    rows = "".join(f"2024-01-{hour // 24 + 1:02} {hour % 24:02}:30,{hour % 24}\n" for hour in range(24 * 20))
    assert times_said(f"time,w\n{rows}", "--horizon", "2h") == ["2024-01-21T00:30:00Z", "2024-01-21T01:30:00Z"]


def test_days_are_those_of_the_zone_over_the_change_of_the_clock():
    days = [date(2025, 7, 1) + timedelta(day) for day in range(116)]  # until 24 October
    rows = "".join(f"{day},{10 + day.weekday()}\n" for day in days)
    said = times_said(f"day,kwh\n{rows}", "--horizon", "4d", "--timezone", "Europe/Berlin")
    assert said == [
        "2025-10-25T00:00:00+02:00",
        "2025-10-26T00:00:00+02:00",
        "2025-10-27T00:00:00+01:00",
        "2025-10-28T00:00:00+01:00",
    ]


def test_rows_of_hours_become_days_of_the_zone():
    start = datetime(2025, 1, 6, tzinfo=ZoneInfo("Asia/Tokyo"))
    rows = "".join(f"{(start + timedelta(hours=hour)).isoformat()},{hour // 24}\n" for hour in range(24 * 30))
    table = read_table(f"time,w\n{rows}".encode())
    assert regular(read_points(table), 86_400.0, ZoneInfo("Asia/Tokyo")).values == [float(day) for day in range(30)]


def test_a_holiday_of_a_file_of_days_is_that_day():
    days = [date(2026, 2, 2) + timedelta(day) for day in range(60)]  # until Thursday before Good Friday
    rows = "".join(f"{day},{20 if day.weekday() == 6 else 100}\n" for day in days)
    zone = "--timezone", "Europe/Berlin"
    done = run("-", "--horizon", "2d", *zone, "--holidays", "2026-04-03", stdin=f"day,kwh\n{rows}")
    assert [float(row["p50"]) for row in csv.DictReader(io.StringIO(done.stdout))] == pytest.approx([20, 100], abs=5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("\0\1\2", "not text"),
        ("a\n1\n", "one column"),
        ("time,w\nyesterday,1\n", "not a time"),
        ("time,w\n2024-01-01T00:00:00Z,1\n2024-01-01T01:00:00Z,much\n", "no column of numbers"),
    ],
)
def test_what_is_no_series_is_exit_code_2_with_the_reason(tmp_path, content, said):
    (tmp_path / "bad.csv").write_text(content)
    done = run(tmp_path / "bad.csv")
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_date_and_a_time_in_two_columns_are_one_time():
    lines = [f"{hour // 24 + 11}/12/2026;{hour % 24:02}:30:00;{300 + hour % 24},5" for hour in range(100)]
    table = read_table("\n".join(["Date;Time;Power", *lines[:50], "13/12/2026;02:40:00;?", *lines[50:]]).encode())
    points = list(read_points(table))
    assert len(points) == 100
    assert points[-1] == (datetime(2026, 12, 15, 3, 30, tzinfo=UTC).timestamp(), 303.5)
    assert list(read_points(table, "time", "power")) == points


def test_a_cell_that_is_no_number_is_named_with_its_row():
    rows = "".join(f"{START + HOUR * row:.0f},{'broken' if row == 40 else row}\n" for row in range(100))
    with pytest.raises(Unreadable, match="row 41 of the data: 'broken' is not a number"):
        list(read_points(read_table(f"time,value\n{rows}".encode())))


def test_times_that_vary_are_put_on_the_minutes_or_hours_that_they_are_near():
    rng = random.Random(1)
    early_or_late = regular((START + HOUR * row + rng.uniform(-900, 900), float(row)) for row in range(500))
    assert list(early_or_late.values) == [float(row) for row in range(500)]
    half_past = regular((START + HOUR * row + 1800 + rng.uniform(-60, 60), float(row)) for row in range(500))
    assert (half_past.start, list(half_past.values)) == (START + 1800, [float(row) for row in range(500)])
    assert regular((START + HOUR * row + rng.uniform(-900, 900), 1.0) for row in range(500)).step == HOUR
    assert regular((START + 60 * row + rng.uniform(0, 0.01), 1.0) for row in range(500)).step == 60.0
    assert regular((START + 37 * row, 1.0) for row in range(50)).step == 37.0


def test_a_file_that_is_not_there_is_exit_code_2(tmp_path):
    assert run(tmp_path / "none.csv").exit_code == 2


@pytest.mark.parametrize("count", [1, 5])
def test_too_few_rows_are_exit_code_1_with_what_is_missing(tmp_path, count):
    (tmp_path / "short.csv").write_text(written(daily(2), count=count))
    done = run(tmp_path / "short.csv")
    assert done.exit_code == 1
    assert "too few" in done.stderr
    assert "fix:" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "oracle"],
        ["--value", "volts"],
        ["--horizon", "soon"],
        ["--quantiles", "2"],
        ["--timezone", "Mars/Base"],
    ],
)
def test_what_there_is_not_is_exit_code_2(file, arguments):
    assert run(file, *arguments).exit_code == 2


def test_headings_without_rows_are_exit_code_1(tmp_path):
    (tmp_path / "empty.csv").write_text("time,watts\n")
    done = run(tmp_path / "empty.csv")
    assert (done.exit_code, "no rows" in done.stderr) == (1, True)


@pytest.fixture
def heated(tmp_path):
    """A load that follows the temperature, which is known for a day more, with a cold spell on it."""
    rows, rng = ["time,load,temperature"], random.Random(2)
    for hour in range(24 * 43):
        cold = 10 + 5 * math.sin(hour / 24 / 2.1) - 15 * (hour >= 24 * 42)
        load = (
            ""
            if hour >= 24 * 42
            else f"{200 - 4 * cold + 20 * math.sin(hour / 24 * 2 * math.pi) + rng.gauss(0, 1):.2f}"
        )
        rows.append(f"{datetime.fromtimestamp(START + hour * HOUR, UTC).isoformat()},{load},{cold:.2f}")
    path = tmp_path / "heated.csv"
    path.write_text("\n".join(rows))
    return path


def test_what_is_known_of_the_future_is_used(heated):
    def at_noon(*arguments):
        done = run(heated, *arguments)
        assert done.exit_code == 0, done.output
        return float(list(csv.DictReader(io.StringIO(done.stdout)))[12]["p50"])

    assert at_noon("--covariates", "temperature") > at_noon() + 20
    assert at_noon("--covariates", "temperature", "--timezone", "Europe/Berlin") > at_noon() + 20


def test_rows_ahead_may_be_seconds_early(heated):
    lines = heated.read_text().splitlines()
    begins = START + 24 * 42 * HOUR - 3
    cells = [line.partition(",")[2] for line in lines[-24:]]
    ahead = [f"{begins + hour * HOUR:.0f},{rest}" for hour, rest in enumerate(cells)]
    heated.write_text("\n".join([*lines[:-24], *ahead]))
    done = run(heated, "--covariates", "temperature")
    assert done.exit_code == 0, done.output


def test_a_column_that_ends_before_the_horizon_is_exit_code_1_with_what_is_missing(heated):
    done = run(heated, "--covariates", "temperature", "--horizon", "2d")
    assert done.exit_code == 1
    assert "temperature is known until" in done.stderr
    assert "fix: rows with a time and temperature until" in done.stderr
    assert run(heated, "--covariates", "wind").exit_code == 2


@pytest.mark.parametrize("model", [name for name in LIBRARIES if not find_spec(LIBRARIES[name].module.split(".")[0])])
def test_a_model_of_a_library_that_is_missing_says_what_to_install(file, model):
    done = run(file, "--model", model)
    assert done.exit_code == 1
    assert f"fix: pip install 'energy-collector[forecast-{model}]'" in done.stderr


def test_backtest_lists_every_model_with_the_best_first(file):
    done = run("backtest", file, "--origins", "3", "--format", "json")
    scores = json.loads(done.stdout)
    assert {"combination", "seasonal_naive", "median_days"} <= {score["model"] for score in scores}
    assert [score["mase"] for score in scores] == sorted(score["mase"] for score in scores)
    assert set(scores[0]) == {"model", "mase", "coverage_80", "coverage_95", "seconds"}


def test_backtest_needs_room_for_training_and_horizon(tmp_path):
    (tmp_path / "short.csv").write_text(written(daily(2)))
    done = run("backtest", tmp_path / "short.csv", "--horizon", "7d")
    assert done.exit_code == 1
    assert "at least" in done.stderr


@given(st.binary(max_size=300) | st.text(alphabet="0123456789,;.:-T \n\t\"'é", max_size=300).map(str.encode))
@example(b"time,w\n1e400,1\n9e99,2\n")
@example(b"a,b\n1,1\n99999999999999999999,2\n")
def test_no_file_is_a_traceback(content):
    assert run("-", "--horizon", "3h", stdin=content).exit_code in {0, 1, 2}


@given(st.text(max_size=40))
def test_times_and_durations_are_read_or_refused(text):
    for reader in (parse_time, parse_duration):
        with contextlib.suppress(ValueError, OverflowError):
            assert isinstance(reader(text), float)


def test_a_file_with_too_distant_times_is_refused():
    with pytest.raises(Unreadable):
        list(read_points(read_table(b"time,w\n2024-01-01T00:00:00Z,x\n")))
