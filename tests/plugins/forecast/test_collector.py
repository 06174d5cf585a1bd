"""The collector over hours and days: what it keeps, what it survives, and what it costs."""

import shutil
import sys
from contextlib import closing
from dataclasses import replace

import pytest
from pydantic import ValidationError

from collector_core import History, HistoryUnavailable, NotAvailable, Reason
from collector_core.testing import RecordedHistory
from collector_plugins.forecast import metrics
from collector_plugins.forecast.config import Config
from collector_plugins.forecast.model_names import MODELS, PURE
from collector_plugins.forecast.plain_models import models_of
from collector_plugins.forecast.seasons import Seasons
from tests.plugins.forecast import home

OTHER = '{"name": "load", "trained": {"start": 0, "step": 1, "quantiles": {"0.5": [1]}, "model": "x"}}'
NOW = home.MONDAY + 14 * home.DAY + 18 * home.HOUR
PLAIN_NAMES = {
    name for is_seasonal in (True, False) for name in models_of([1.0] * 504, Seasons(24, 168, is_seasonal), 24)
}
LOAD = {"name": "load", "selector": "home_load_power_watts", "model": "naive"}
ALONE = {"default_series": False}
LABELS = {"series": "load", "horizon": "24h", "quantile": "0.5"}


def record(history, until=NOW + 4 * home.DAY, since=0.0):
    """What lies after now is not there yet for who asks."""
    moments = home.simulate(19, seed=1)[::6]
    history.record(home.LOAD, [(each.time, each.load) for each in moments if since <= each.time < until], name="Shed")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder of a history that is written once, for all to copy."""
    folder = tmp_path_factory.mktemp("recorded") / "history"
    with closing(RecordedHistory(folder)) as history:
        record(history)
    return folder


@pytest.fixture
def trained(bench, eventually, recorded, tmp_path):
    shutil.copytree(recorded, tmp_path / "history")  # where the bench has its own
    made = bench(NOW, series=[LOAD], **ALONE)
    made.run(eventually)
    return made


def names(harness):
    return {line.partition("{")[0] for line in harness.exposition().splitlines()}


def use_command(made, *arguments):
    """Let this program train from now on."""
    training = made.training
    training.limits = replace(training.limits, command=(sys.executable, *arguments), deadline=2.0)


def test_a_restart_shows_the_forecast_at_once_and_trains_when_it_is_due(trained, eventually):
    value = trained.harness.value(metrics.VALUE, **LABELS)
    assert {"forecast_mase", "forecast_coverage_ratio"} <= names(trained.harness)
    again = trained.forecasts(series=[LOAD], **ALONE)
    again.run(advance=1.0)
    assert again.value(metrics.VALUE, **LABELS) == value is not None
    eventually(lambda: not again.collector._training.is_busy)
    again.close()


def test_a_program_that_looks_once_shows_what_is_kept_and_trains_nothing(trained):
    once = trained.forecasts(series=[LOAD], keeps_running=False, **ALONE)
    once.run(advance=1.0)
    assert once.value(metrics.VALUE, **LABELS) is not None
    assert not once.collector._training.is_busy
    assert once.series(metrics.TRAININGS) == {}
    once.close()


def test_what_came_true_is_compared_with_what_was_shown(trained, eventually):
    for _ in range(2):
        trained.run(eventually, advance=home.DAY)
    known = trained.harness.collector._series["load"].known
    assert len(known.earlier) == 3
    assert len(known.shown) >= 24
    assert trained.harness.value(metrics.RECENT_MASE, series="load", horizon="48h") > 0
    assert 0 <= trained.harness.value(metrics.RECENT_COVERAGE, series="load", level="0.8") <= 1
    assert {"forecast_recent_mase", "forecast_recent_coverage_ratio"} <= names(trained.harness)


def test_without_a_new_training_a_forecast_ends_where_it_does_not_reach(trained, eventually):
    use_command(trained, "-c", "raise SystemExit(1)")
    trained.run(eventually, advance=24 * home.HOUR)
    assert trained.harness.value(metrics.VALUE, **LABELS) is not None
    assert trained.harness.value(metrics.AGE, series="load") > 23 * home.HOUR
    assert trained.harness.value(metrics.UNAVAILABLE, series="load", reason="failed") == 1
    trained.run(eventually, advance=30 * home.HOUR)
    assert trained.harness.value(metrics.VALUE, **LABELS) is None
    assert trained.harness.value(metrics.MODEL, series="load", model="naive", unit="watts") is None


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import time; time.sleep(1000)", "deadline"),
        ("import os; os.kill(os.getpid(), 9)", "killed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "cpu"),
        ("print('nonsense')", "failed"),
        (f"print({OTHER!r})", "failed"),
        ('print(\'{"name": "load", "trained": {"start": NaN}}\')', "failed"),
        ("pass", "failed"),
        ("raise SystemExit(1)", "failed"),
    ],
)
def test_a_process_that_fails_costs_no_run_and_is_tried_again(trained, eventually, code, why):
    use_command(trained, "-c", code)
    trained.run(eventually, advance=2 * home.HOUR)
    assert trained.harness.value(metrics.TRAININGS, result=why) == 1
    assert [str(part.error) for part in trained.harness.part_failures] != []
    assert trained.harness.value(metrics.VALUE, **LABELS) is not None, "the last good one is shown"
    use_command(trained, "-P", "-m", "collector_plugins.forecast.child")
    trained.training.limits = replace(trained.training.limits, deadline=300.0)
    trained.run(eventually, advance=300.0)
    assert trained.harness.part_failures == []
    assert trained.harness.value(metrics.TRAININGS, result="ok") == 2


def test_more_memory_than_allowed_is_said_and_the_next_series_is_tried(bench, eventually):
    made = bench(NOW, series=[LOAD], memory_bytes=100_000_000, **ALONE)
    record(made.history)
    made.run(eventually)
    results = set(made.harness.series(metrics.TRAININGS))
    assert results <= {("memory",), ("failed",), ("killed",)}
    assert results


def test_a_run_does_not_wait_for_a_process_and_its_end_is_no_orphan(trained, eventually):
    use_command(trained, "-c", "import time; time.sleep(1000)")
    trained.training.limits = replace(trained.training.limits, deadline=1000.0)
    training = trained.training
    trained.harness.run(advance=2 * home.HOUR)
    eventually(lambda: training._process._running)
    trained.harness.run(advance=60.0)
    assert training.is_busy
    trained.harness.collector.close()
    eventually(lambda: not training.is_busy)


def test_a_clock_that_is_set_back_or_ahead_gives_a_new_forecast(trained, eventually):
    for jump in (-3 * home.DAY, 5 * home.DAY):
        trained.clock.wall_time += jump
        trained.run(eventually, advance=120.0)
        trained.run(eventually, advance=600.0)
        assert trained.harness.value(metrics.VALUE, **LABELS) is not None, jump


def test_a_series_that_vanishes_keeps_its_forecast_until_it_ends_and_comes_back(bench, eventually):
    trained = bench(NOW, series=[LOAD], **ALONE)
    record(trained.history, until=NOW)
    trained.run(eventually)
    trained.run(eventually, advance=1.5 * home.DAY)
    trained.run(eventually, advance=1.5 * home.DAY)
    (failure,) = trained.harness.part_failures
    assert "more than a day" in str(failure.error)
    assert trained.harness.value(metrics.VALUE, **LABELS) is None
    record(trained.history, until=NOW + 3.01 * home.DAY, since=NOW + 2.5 * home.DAY)
    trained.run(eventually, advance=2 * home.HOUR)
    assert trained.harness.part_failures == []
    assert trained.harness.value(metrics.VALUE, **LABELS) is not None


class Failing(History):
    """A history whose disk fails for a while."""

    def __init__(self, history):
        self.history = history
        self.fails = True

    @property
    def is_kept(self):
        return True

    def query(self, *args, **kwargs):
        if self.fails:
            raise HistoryUnavailable(Reason.TIMEOUT, "the disk does not answer")
        return self.history.query(*args, **kwargs)


def test_a_history_that_cannot_be_read_for_a_while_is_asked_again(bench, eventually, collector_history):
    record(collector_history)
    history = Failing(collector_history)
    made = bench(NOW, history=history, series=[LOAD], **ALONE)
    made.run(eventually)
    assert made.harness.value(metrics.UNAVAILABLE, series="load", reason="unavailable") == 1
    history.fails = False
    made.run(eventually, advance=120.0)
    assert made.harness.value(metrics.VALUE, **LABELS) is not None
    assert made.harness.series(metrics.UNAVAILABLE) == {}


def test_without_a_history_it_says_so(bench):
    made = bench(NOW, history=History(), **ALONE)
    with pytest.raises(NotAvailable, match="no history"):
        made.harness.run()


def test_a_damaged_file_is_set_aside_and_the_series_is_trained_anew(trained, eventually):
    file = trained.harness.context.state_dir / "series/load.json"
    file.write_text('{"known": {"trained": ')
    again = trained.forecasts(series=[LOAD], **ALONE)
    again.run(advance=1.0)
    assert again.value(metrics.VALUE, **LABELS) is None
    eventually(lambda: not again.collector._training.is_busy)
    again.run(advance=1.0)
    assert again.value(metrics.VALUE, **LABELS) is not None
    assert list(file.parent.glob("load.json.corrupt-*"))
    again.close()


def test_without_a_place_for_its_files_it_forecasts_until_the_restart(
    bench, eventually, collector_history, tmp_path, monkeypatch, caplog
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    record(collector_history)
    made = bench(NOW, history=collector_history, series=[LOAD], **ALONE)
    made.run(eventually)
    assert made.harness.value(metrics.VALUE, **LABELS) is not None
    assert caplog.text.count("saving forecasts fails: NotADirectoryError") == 1


@pytest.mark.parametrize("covariates", [{"load": ["load"]}, {"load": ["price"], "price": ["sun"], "sun": ["load"]}])
def test_series_that_would_wait_for_each_other_are_refused(covariates):
    series = [{"name": name, "selector": "x", "covariates": others} for name, others in covariates.items()]
    with pytest.raises(ValidationError, match="'load' would depend on itself, by its covariates"):
        Config(series=series)


def test_a_model_that_there_is_not_is_wrong_in_the_configuration_and_the_names_are_said():
    for options in ({"model": "combinaton"}, {"series": [LOAD | {"model": "combinaton"}]}):
        with pytest.raises(ValidationError, match=r"no model is called 'combinaton'; there are combination, .*naive"):
            Config(**options)


def test_the_models_of_the_configuration_are_those_that_there_are():
    numeric = pytest.importorskip("collector_plugins.forecast.numeric.models")
    libraries = pytest.importorskip("collector_plugins.forecast.numeric.libraries")
    there_are = {*numeric.SEASONAL, *numeric.PLAIN, "with_covariates", *libraries.LIBRARIES, *PLAIN_NAMES}
    assert set(MODELS) == there_are | {"combination", PURE}


@pytest.mark.slow
def test_two_hundred_series_are_trained_within_the_budget(bench, eventually):
    series = [LOAD | {"name": f"load{number}", "step": "4h", "horizon": "24h"} for number in range(200)]
    made = bench(NOW, series=series, past="14d", **ALONE)
    record(made.history)
    elapsed = 0.0
    while made.harness.value(metrics.TRAININGS, result="ok") != 200:
        made.run(eventually, advance=60.0)
        elapsed += 61.0
        assert elapsed < 2 * home.HOUR
    assert made.harness.value(metrics.CPU) <= 0.02 * elapsed + 25, "2 % of one CPU, and the last batch"
    assert len(made.harness.series(metrics.AGE)) == 200


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 1000.0),
        ({"holidays": ["06-16"]}, 200.0),
        ({"holidays": ["06-16"], "time_zone": "Pacific/Kiritimati"}, 1000.0),  # tomorrow at 18:00 is the 17th there
    ],
)
def test_a_day_of_the_configuration_is_like_a_sunday_where_people_are(bench, eventually, options, expected):
    made = bench(NOW, series=[LOAD | {"model": "combination"}], **ALONE, **options)
    times = range(int(NOW - 21 * home.DAY), int(NOW), 1800)
    sundays = [(time - home.MONDAY) // home.DAY % 7 == 6 for time in times]
    made.history.record(
        home.LOAD, [(time, 200.0 if free else 1000.0) for time, free in zip(times, sundays, strict=True)], name="Shed"
    )
    made.run(eventually)
    assert made.harness.value(metrics.VALUE, **LABELS) == pytest.approx(expected, abs=100)
