"""Carbon, sustainability and grid impact, by the formulas that the README has."""

from __future__ import annotations

import asyncio
import csv
import io
import math
import sys

import pytest

from collector_core import History, PastSeries
from collector_core.model.series import Series
from collector_plugins.sites import access, forecast_api, outlook
from tests.plugins.sites.conftest import NOW, moment, reading

HOUR = 3600
DAY = {"from": moment(0), "to": moment(86_400)}


def hours(power, site="a", count=24, **more):
    """A reading at the end of each hour; `power` by hour."""
    return [
        reading(HOUR * (each + 1), power(each) if callable(power) else power, site, interval_seconds=HOUR, **more)
        for each in range(count)
    ]


async def report(client, path, **parameters):
    status, answer = await client.get(f"analytics/{path}", **parameters)
    assert status == 200, answer
    return answer


async def test_paper_counts_on_the_market_only(serving):
    async with serving() as client:
        grid = {"type": "grid", "share": 0.5, "factor_g_per_kwh": 400}
        await client.register("a", pue=2, sources=[grid, {"type": "wind", "share": 0.5, "certificate": "GO-1"}])
        await client.send(*hours(1000, hashrate_th=10))
        answer = await report(client, "carbon/a", **DAY)
    assert answer["energy_kwh"] == pytest.approx(24)
    assert answer["pue"] == pytest.approx(2)
    assert answer["location_based_grams"] == pytest.approx(24 * 2 * 400)
    assert answer["market_based_grams"] == pytest.approx(24 * 2 * (200 + 5.5))
    assert answer["grams_per_kwh"] == pytest.approx(800)
    assert answer["hourly_matched_ratio"] == pytest.approx(0.5)
    assert answer["grams_per_th"] == pytest.approx(24 * 2 * 400 / (10 * 86_400))
    assert answer["coverage_ratio"] == pytest.approx(1)
    assert answer["gaps"] == []
    factors = {each["source"]: (each["factor_g_per_kwh"], each["origin"]) for each in answer["by_source"]}
    assert factors == {"grid": (pytest.approx(400), "configured"), "wind": (pytest.approx(11), "ipcc_ar5_2014")}
    assert 0 < answer["uncertainty_ratio"] < 1


async def test_the_hash_is_that_of_the_readings(serving):
    async with serving() as client:
        await client.register("a", region="north", zone="DE")
        await client.send(*hours(1000, count=12))
        first = await report(client, "carbon/a", **DAY)
        again = await report(client, "carbon/a", **DAY, step="1d")
        await client.run()
        region = await report(client, "carbon/north", **DAY)
        assert first["data_sha256"] == again["data_sha256"] == region["data_sha256"]
        assert first["location_based_grams"] == pytest.approx(region["location_based_grams"])
        await client.send(reading(HOUR * 20, 500))
        assert (await report(client, "carbon/a", **DAY))["data_sha256"] != first["data_sha256"]


async def test_the_report_has_three_forms(serving):
    async with serving() as client:
        await client.register("a|b", operator="x", sources=[{"type": "solar", "share": 1}])
        await client.send(*hours(1000, "a|b"))
        answer = await report(client, "carbon/x", **DAY, step="6h")
        async with client.session.get(
            "/api/v1/analytics/carbon/x", params={**DAY, "step": "6h", "format": "csv"}
        ) as got:
            assert got.content_type == "text/csv"
            rows = list(csv.DictReader(io.StringIO(await got.text())))
        assert [row["t"] for row in rows] == [moment(HOUR * 6 * each) for each in range(4)]
        assert sum(float(row["location_based_grams"]) for row in rows) == pytest.approx(answer["location_based_grams"])
        async with client.session.get("/api/v1/analytics/carbon/a%7Cb", params={**DAY, "format": "md"}) as got:
            assert got.content_type == "text/markdown"
            text = await got.text()
        assert answer["data_sha256"] in text
        assert "a\\|b" in text


async def test_what_has_no_factor_is_not_guessed(serving):
    async with serving() as client:
        await client.register("a")
        await client.send(*hours(1000))
        answer = await report(client, "carbon/a", **DAY)
    assert answer["location_based_grams"] is None
    assert answer["by_source"][0]["origin"] == "unknown"
    assert answer["uncertainty_ratio"] is None


async def test_a_score_is_the_weighted_sum_of_its_parts(serving):
    async with serving() as client:
        mix = [{"type": "hydro", "share": 0.75}, {"type": "grid", "share": 0.25, "factor_g_per_kwh": 408}]
        await client.register("a", region="north", sources=mix)
        await client.register("b")
        loads = [{"load_watts": 1e9 + 1e6 * each} for each in range(24)]
        sent = [
            reading(HOUR * (each + 1), 500 if each == 23 else 1000, interval_seconds=HOUR, hashrate_th=10, grid=load)
            for each, load in enumerate(loads)
        ]
        await client.send(*sent)
        await client.send(*hours(400, "b", hashrate_th=10))
        answer = await report(client, "sustainability/a", **DAY)
        mean = (23 * 1000 + 500) / 24
        parts = answer["parts"]
        assert parts["renewable"] == pytest.approx(0.75)
        assert parts["intensity"] == pytest.approx(1 - (0.75 * 24 + 0.25 * 408) / 480)
        assert parts["efficiency"] == pytest.approx(40 / (mean / 10))
        assert parts["flexibility"] == pytest.approx(1 - 500 / mean)
        assert answer["weights"] == {"renewable": 0.5, "intensity": 0.2, "efficiency": 0.15, "flexibility": 0.15}
        assert answer["score"] == pytest.approx(100 * sum(answer["weights"][key] * parts[key] for key in parts))
        assert answer["coverage_ratio"] == pytest.approx(1)
        other = await report(client, "sustainability/b", **DAY)
        assert other["parts"]["intensity"] is None
        assert other["parts"]["flexibility"] is None
        assert sum(other["weights"].values()) == pytest.approx(1)
        await client.run()
        text = client.harness.exposition()
        assert 'sustainability_score{entity="a"}' in text
        assert 'sustainability_score{entity="north"}' in text


async def test_nothing_known_is_no_score(serving):
    async with serving() as client:
        await client.register("a")
        answer = await report(client, "sustainability/a")
    assert answer["score"] is None
    assert answer["weights"] == {}


async def test_grid_impact_is_of_what_was_read(serving):
    async with serving() as client:
        await client.register("a", region="north")
        sent = [
            reading(
                60 * (each + 1),
                1000 + 10 * each,
                grid={"load_watts": 1e6 + 1e4 * each, "price_per_kwh": 0.1, "frequency_hz": 50 - each / 1000},
            )
            for each in range(60)
        ]
        await client.send(*sent, reading(61 * 60, 100))
        answer = await report(client, "grid-impact", region="north", **DAY)
    assert answer["share_of_load"] == pytest.approx(1e-3)
    assert answer["correlation"] == {"load": pytest.approx(1), "price": None, "frequency": pytest.approx(-1)}
    assert answer["ramps"]["p95_watts_per_minute"] == pytest.approx(10)
    assert answer["coincident_peak_watts"] == 1590
    assert answer["curtailment"]["seconds"] == 60
    assert answer["forecast_peak_watts"] is None


@pytest.mark.parametrize(
    "others",
    [[reading(60 * each + 30, site="b") for each in range(61)], [reading(3600, site="b", interval_seconds=3600)]],
)
async def test_sites_that_are_read_at_other_times_count_for_the_grid_over_their_intervals(serving, others):
    async with serving() as client:
        await client.register("a", region="north")
        await client.register("b", region="north")
        await client.send(*[reading(60 * each, grid={"load_watts": 10_000 + each}) for each in range(1, 61)], *others)
        answer = await report(client, "grid-impact", region="north", **DAY)
    assert answer["share_of_load"] == pytest.approx(0.2, rel=0.01)
    assert answer["coincident_peak_watts"] == answer["peak_watts"] == 2000
    assert answer["correlation"]["load"] is None


async def test_sources_are_known_by_the_names_that_people_write(serving):
    sources = [("Grid", 0.4), ("pv", 0.3), ("Hydropower", 0.3)]
    async with serving() as client:
        await client.register("a", zone="DE", sources=[{"type": name, "share": share} for name, share in sources])
        await client.send(*hours(1000, count=2))
        answer = await report(client, "carbon/a", **DAY)
        assert (await report(client, "sustainability/a", **DAY))["parts"]["renewable"] == pytest.approx(0.6)
        await client.run()
        assert 'sites_promised_renewable_ratio{site="a"} 0.6' in client.harness.exposition()
    assert answer["hourly_matched_ratio"] == pytest.approx(0.6)
    assert {each["source"]: each["factor_g_per_kwh"] for each in answer["by_source"]} == {
        "Grid": pytest.approx(381),
        "pv": pytest.approx(48),
        "Hydropower": pytest.approx(24),
    }


async def test_of_two_sources_with_the_same_usual_name_each_has_its_own_factor(serving):
    sources = [
        {"type": "solar", "share": 0.5, "factor_g_per_kwh": 40},
        {"type": "pv", "share": 0.5, "factor_g_per_kwh": 20},
    ]
    async with serving() as client:
        await client.register("a", sources=sources)
        await client.send(reading(3600, interval_seconds=3600, sources={"solar": 0.5, "pv": 0.25, "Solar": 0.25}))
        answer = await report(client, "carbon/a", **DAY)
    assert {each["source"]: each["factor_g_per_kwh"] for each in answer["by_source"]} == {
        "solar": pytest.approx(40),
        "pv": pytest.approx(20),
        "Solar": pytest.approx(40),
    }


async def test_scores_and_carbon_reports_have_the_same_coverage(serving):
    async with serving(now=NOW + 6 * HOUR) as client:
        await client.register("a")
        await client.send(*hours(1000, count=5), reading(6 * HOUR, interval_seconds=HOUR))
        for end, expected in ((DAY["to"], 1), (moment(5 * HOUR + 1800), 1), (moment(86_400 * 9), 1)):
            for kind in ("carbon/a", "sustainability/a"):
                answer = await report(client, kind, **{"from": moment(0), "to": end})
                assert answer["coverage_ratio"] == pytest.approx(expected), (kind, end)
        await client.send(reading(6 * HOUR + 200, 9, meter="later"))
        answer = await report(client, "sustainability/a", **{"from": moment(7 * HOUR), "to": moment(8 * HOUR)})
        assert answer["coverage_ratio"] is None


async def test_a_price_that_does_not_move_has_no_correlation(serving):
    async with serving() as client:
        await client.register("a", region="north")
        hours = [reading(3600 * each, 1000 + each, grid={"price_per_kwh": 0.1}) for each in range(1, 25)]
        await client.send(*hours)
        answer = await report(client, "grid-impact", region="north", **DAY)
    assert answer["correlation"]["price"] is None


@pytest.mark.parametrize("path", ["carbon/a", "grid-impact?region=north", "sustainability/north"])
async def test_an_answer_that_nobody_waits_for_ends_and_says_what_helps(serving, monkeypatch, path):
    monkeypatch.setattr(access, "PATIENCE_SECONDS", 0.0)
    async with serving() as client:
        await client.register("a", region="north")
        async with client.session.get(f"/api/v1/analytics/{path}") as refused:
            answer = await refused.json()
            assert (refused.status, answer["field"]) == (503, "from")
            assert answer["error"] == "takes longer than the 0 s that an answer may take"
            assert "step=1h" in answer["fix"]
            assert "shorter period" in answer["fix"]
            assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("path", "field"),
    [("carbon/nobody", "entity"), ("sustainability/nobody", "entity"), ("grid-impact?region=nowhere", "region")],
)
async def test_an_unknown_entity_is_not_found(serving, path, field):
    async with serving() as client:
        status, answer = await client.get(f"analytics/{path}")
        assert (status, answer["field"]) == (404, field)


async def test_three_weeks_by_the_hour_suffice_for_a_forecast(serving):
    now = 1_767_225_600 + 21 * 86_400
    async with serving(now=now) as client:
        await client.register("a", region="north")
        shape = lambda each: 1000 + 300 * math.sin(each / 24 * 2 * math.pi)  # noqa: E731
        await client.send(*hours(shape, count=21 * 24, hashrate_th=10))
        for kind in ("load", "hashrate"):
            status, answer = await client.get(f"forecast/{kind}", site="a", horizon="24h", step="1h")
            assert status == 200, answer
            assert set(answer["series"]) == {"p10", "p50", "p90"}
            assert [each["t"] for each in answer["series"]["p50"]] == [
                moment(HOUR * (21 * 24 + each)) for each in range(24)
            ]
        status, answer = await client.get("forecast/load", horizon="24h", site="all")
        assert answer["series"]["p50"][6]["value"] == pytest.approx(1300, abs=100)
        assert answer["score"]["mase"] is not None
        assert (await report(client, "grid-impact", region="north"))["forecast_peak_watts"] == pytest.approx(
            1300, abs=100
        )


async def test_a_forecast_says_what_is_missing(serving):
    async with serving() as client:
        await client.register("a")
        status, answer = await client.get("forecast/load", site="a")
        assert status == 409
        assert answer["missing"]
        for parameters, field in (
            ({"horizon": "31d"}, "horizon"),
            ({"horizon": "1h", "step": "2h"}, "horizon"),
            ({"site": "b"}, "site"),
        ):
            status, answer = await client.get("forecast/load", **parameters)
            assert (status, answer["field"]) == (404 if field == "site" else 400, field)


def series(count, step=HOUR):
    return [{"t": moment(step * each), "value": float(each % 24)} for each in range(count)]


async def test_naive_repeats_the_last_season(serving):
    async with serving() as client:
        body = {"series": series(72), "horizon": "24h", "step": "1h", "seasonalities": ["24h"], "model": "naive"}
        status, answer = await client.post("forecast/custom", body)
        assert status == 200, answer
        assert [each["value"] for each in answer["series"]["p50"]] == [float(each) for each in range(24)]
        assert answer["series"]["p50"][0]["t"] == moment(72 * HOUR)
        status, answer = await client.post("forecast/custom", {**body, "seasonalities": []})
        assert {each["value"] for each in answer["series"]["p50"]} == {23.0}
        status, answer = await client.post("forecast/custom", {**body, "series": series(5)})
        assert (status, bool(answer["missing"])) == (409, True)


@pytest.mark.parametrize(
    ("sent", "step", "expected"),
    [
        ([each for each in series(72) if each["t"] != moment(60 * HOUR)], "1h", range(24)),
        ([each for each in series(72) if each["t"] > moment(60 * HOUR)] + series(40), "1h", range(24)),
        (
            [{"t": moment(900 * each), "value": float(each // 4 % 24 + each % 4 - 1.5)} for each in range(72 * 4)],
            "1h",
            range(24),
        ),
        (series(72), "30m", [23, *(each // 2 for each in range(47))]),
        (
            [{"t": moment(HOUR * each), "value": float(each)} for each in (0, 1, 2, 23, 24, 47)],
            "1h",
            [24, 1, 2, *[47] * 21],
        ),
    ],
)
async def test_naive_goes_by_the_clock_whatever_is_missing(serving, sent, step, expected):
    async with serving() as client:
        body = {"series": sent, "horizon": "24h", "step": step, "seasonalities": ["24h"], "model": "naive"}
        status, answer = await client.post("forecast/custom", body)
    assert status == 200, answer
    assert [each["value"] for each in answer["series"]["p50"]] == [float(each) for each in expected]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": "oracle"}, "model"),
        ({"seasonalities": ["30m"]}, "seasonalities"),
        ({"horizon": "31d"}, "horizon"),
        ({"horizon": "soon"}, "horizon"),
        ({"step": "0s"}, "step"),
        ({"series": []}, "series"),
        ({"series": [{"t": "yesterday", "value": 1}]}, "series.0.t"),
        ({"series": [{"t": moment(0), "value": True}]}, "series.0.value"),
        ({"colour": 1}, "colour"),
    ],
)
async def test_a_wrong_wish_is_named(serving, change, field):
    async with serving() as client:
        status, answer = await client.post(
            "forecast/custom", {"series": series(24 * 21), "horizon": "24h", "step": "1h", **change}
        )
        assert (status, answer["field"]) == (400, field), answer
        assert answer["fix"]


async def test_a_forecast_of_ones_own_series(serving):
    async with serving() as client:
        status, answer = await client.post(
            "forecast/custom", {"series": series(24 * 21), "horizon": "24h", "step": "1h"}
        )
        assert status == 200, answer
        assert len(answer["series"]["p90"]) == 24
        assert (await client.get("forecast/custom/nothing"))[0] == 404


async def test_a_forecast_that_takes_longer_is_fetched_as_often_as_one_likes(serving, monkeypatch):
    async with serving() as client:
        with monkeypatch.context() as patch:
            patch.setattr(forecast_api, "PATIENCE_SECONDS", 0.0)
            body = {"series": series(72), "horizon": "3h", "model": "naive"}
            status, job = await client.post("forecast/custom", body)
        assert (status, set(job)) == (202, {"id"})
        answers = [await client.get(f"forecast/custom/{job['id']}") for _ in range(2)]
        assert [status for status, _ in answers] == [200, 200]
        assert answers[0] == answers[1]


async def test_a_library_that_is_missing_is_said_of_the_model(serving, monkeypatch):
    monkeypatch.setitem(sys.modules, "prophet", None)
    async with serving() as client:
        body = {"series": series(72), "horizon": "3h", "model": "prophet"}
        status, answer = await client.post("forecast/custom", body)
        assert (status, answer["field"]) == (409, "model")
        assert "pip install" in answer["missing"]


async def test_forecasts_are_published_with_their_error(serving, eventually):
    async with serving(now=NOW + 86_400 * 22) as client:
        await client.register("a", grid_connection_watts=900)
        await client.send(*hours(lambda hour: 1000 + 500 * math.sin(hour * math.pi / 12), count=24 * 22))

        def published():
            client.harness.run()
            text = client.harness.exposition()
            return text if "sites_model_mase{" in text else None

        text = await asyncio.to_thread(eventually, published)
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("sites_forecast"))
    for horizon in ("1h", "24h", "7d"):
        quantiles = [
            float(values[f'sites_forecast_power_watts{{horizon="{horizon}",quantile="{each}",site="a"}}'])
            for each in ("0.1", "0.5", "0.9")
        ]
        assert quantiles == sorted(quantiles)
        assert quantiles[1] == pytest.approx(1000, rel=0.2)
    assert float(values['sites_forecast_peak_watts{site="a"}']) == pytest.approx(1500, rel=0.1)


async def test_a_forecast_that_somebody_asks_for_is_published_before_the_hour_is_over(serving, eventually):
    async with serving(now=NOW + 86_400 * 22) as client:
        await client.register("a")
        outlooks = client.harness.collector._outlooks

        def runs_until(condition):
            return eventually(lambda: [client.harness.run()] and condition())

        await asyncio.to_thread(runs_until, lambda: ("a", "hashrate") in outlooks._tried_in)  # too early
        await client.send(*hours(lambda hour: 1000 + 500 * math.sin(hour * math.pi / 12), count=24 * 22))
        status, answer = await client.get("forecast/load", site="a")
        assert status == 200, answer
        await asyncio.to_thread(runs_until, lambda: "sites_forecast_peak_watts{" in client.harness.exposition())


async def test_a_forecast_is_made_as_soon_as_there_is_enough_though_one_was_tried_in_this_hour(
    serving, eventually, monkeypatch
):
    monkeypatch.setattr(outlook, "PAUSE", 0.0)  # of real seconds, where the machine is slow
    async with serving(now=NOW + 86_400 * 22) as client:
        await client.register("a")
        outlooks = client.harness.collector._outlooks

        def tried():
            client.harness.run()
            return ("a", "hashrate") in outlooks._tried_in

        await asyncio.to_thread(eventually, tried)  # too early
        await client.send(*hours(lambda hour: 1000 + 500 * math.sin(hour), count=24 * 22, hashrate_th=5))
        for _ in range(3500):
            await client.run(advance=1)  # less than an hour, all together
            if {("a", "load"), ("a", "hashrate")} <= outlooks._known.keys():
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("no forecast within the hour")


async def test_the_renewable_share_is_published_beside_what_was_registered(serving):
    async with serving() as client:
        paper = {"type": "wind", "share": 0.3, "certificate": True}
        await client.register("a", sources=[{"type": "hydro", "share": 0.7}, paper])
        await client.register("b")
        await client.send(*hours(1000, count=4, sources={"hydro": 0.5, "grid": 0.5}))
        await client.run()
        text = client.harness.exposition()
    assert 'sites_renewable_ratio{site="a"} 0.5' in text
    assert 'sites_promised_renewable_ratio{site="a"} 0.7' in text
    assert 'sites_promised_renewable_ratio{site="b"}' not in text


class Kept(History):
    """A history of two gauges, of which one begins later, and of a counter."""

    is_kept = True

    def query(self, selector, start, end, *, step=None, fn="mean"):
        name = selector.text
        series = [
            Series(f"{name}{number}", name, {}, "counter" if name == "total" else "gauge", "", "", "x")
            for number in range(0 if name == "gone" else 2)
        ]
        moments = [start + step * number for number in range(int((end - start) / step))]
        value = 5.0 if fn == "rate" else 1.0
        return [PastSeries(each, [(t, value) for t in moments[-500 + 10 * n :]]) for n, each in enumerate(series)]


@pytest.mark.parametrize(("selector", "value"), [("load", 2), ("total", 10)])
async def test_a_forecast_of_what_the_history_has(serving, selector, value):
    body = {"selector": selector, "horizon": "3h", "step": "1h", "model": "naive"}
    async with serving(history=Kept()) as client:
        status, answer = await client.post("forecast/custom", body)
    assert status == 200, answer
    assert [point["value"] for point in answer["series"]["p50"]] == [value] * 3
    assert answer["series"]["p50"][0]["t"] == moment(86_400)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"selector": "gone"}, 409, "selector"),
        ({"selector": "a{"}, 400, "selector"),
        ({}, 400, "series"),
        ({"selector": "load", "series": [{"t": 0, "value": 1}]}, 400, "series"),
        ({"selector": "load", "model": "no such"}, 400, "model"),
    ],
)
async def test_a_selector_that_cannot_be_forecast_says_why(serving, body, status, field):
    async with serving(history=Kept()) as client:
        found, answer = await client.post("forecast/custom", {"horizon": "3h", **body})
    assert (found, answer["field"]) == (status, field), answer
    assert answer["fix"]
