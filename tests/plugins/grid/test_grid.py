"""Asked seldom, believed while it holds; what is away, refused or nonsense; prices below 0; days of 23 hours."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager, suppress
from math import isfinite

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from collector_core import AuthFailed, NotAvailable
from collector_core.metering import GridFactors, Intensity, Price
from collector_core.testing import serve_routes
from collector_plugins.grid import Config, Grid, collector_demo_types, metrics
from collector_plugins.grid.curve import HOUR, Curve, Slot, until_the_next
from collector_plugins.grid.entsoe import ENTSOE, parse
from collector_plugins.grid.provider import Place, read
from collector_plugins.grid.services import KINDS, parse_tibber

NOW = 1_700_000_000.0  # of a harness: 2023-11-14T22:13:20Z
TOKEN = "canary-7f3a"
QUARTERS = 900.0


class Service(http.server.ThreadingHTTPServer):
    """Answers what the test sets, and notes what it was asked."""

    def __init__(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            do_POST = do_GET  # noqa: N815 - as http.server calls it

            def log_message(self, *arguments):
                pass

        self.asked, self.status, self.headers, self.body = [], 200, {}, b""
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def service(body, status=200):
    server = Service()
    server.body, server.status = body, status
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def market(*prices, start=NOW - NOW % HOUR, seconds=HOUR):
    """A document of aWATTar with a price per MWh for each hour."""
    times = [start + number * seconds for number in range(len(prices))]
    data = [
        {
            "start_timestamp": at * 1000,
            "end_timestamp": (at + seconds) * 1000,
            "marketprice": price,
            "unit": "Eur/MWh",
        }
        for at, price in zip(times, prices, strict=True)
    ]
    return json.dumps({"data": data}).encode()


def grid(collector_harness, server, kind="awattar", **more):
    provider = {"name": "market", "kind": kind, "url": server.url} | more
    return collector_harness(Grid, providers=[provider])


def test_a_provider_is_asked_once_in_a_quarter_of_an_hour(collector_harness):
    with service(market(100.0, 50.0)) as server:
        harness = grid(collector_harness, server)
        for _ in range(120):
            harness.run(advance=30)
        assert 3 <= len(server.asked) <= 4


def test_a_restart_asks_nobody_again(collector_harness):
    with service(market(100.0, 50.0)) as server:
        grid(collector_harness, server).run()
        again = grid(collector_harness, server)
        again.run(advance=600)
        assert again.series(metrics.PRICE) == {("market", "DE", "EUR"): 0.1}
        assert again.value(metrics.AGE, provider="market") == 600
        assert len(server.asked) == 1


def test_a_wall_clock_that_is_set_back_does_not_end_the_questions(collector_harness):
    with service(market(100.0)) as server:
        harness = grid(collector_harness, server)
        harness.run()
        harness.context.clock.wall_time -= 7 * 86_400
        harness.run(advance=1000)
        assert len(server.asked) == 2


@pytest.mark.parametrize("broken", ["", "[]", '{"awattar|DE": 7}', "{"])
def test_a_broken_file_costs_a_request(collector_harness, broken):
    with service(market(100.0)) as server:
        harness = grid(collector_harness, server)
        (harness.context.state_dir / "answers.json").write_text(broken)
        harness.run()
        assert harness.series(metrics.PRICE) == {("market", "DE", "EUR"): 0.1}


def test_a_machine_without_a_place_for_state_is_served_all_the_same(collector_harness, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with service(market(100.0)) as server:
        harness = grid(collector_harness, server)
        harness.run()
        assert harness.series(metrics.PRICE) == {("market", "DE", "EUR"): 0.1}


def test_one_that_fails_is_asked_no_oftener(collector_harness):
    with service(b"", status=500) as server:
        harness = grid(collector_harness, server)
        for _ in range(120):
            harness.run(advance=30)
        assert len(server.asked) <= 4


def test_what_it_said_holds_while_it_is_away_and_no_longer(collector_harness):
    with service(market(100.0, 50.0)) as server:
        harness = grid(collector_harness, server)
        harness.run()
        server.status = 503
        harness.run(advance=HOUR)
        assert harness.series(metrics.PRICE) == {("market", "DE", "EUR"): 0.05}
        assert harness.value(metrics.AGE, provider="market") == HOUR
        assert harness.value(metrics.UP, provider="market") == 0
        harness.run(advance=HOUR)
        assert not harness.series(metrics.PRICE)


def test_a_carbon_intensity_of_now_holds_until_the_hour_is_over(collector_harness):
    body = json.dumps({"carbonIntensity": 302, "datetime": "2023-11-14T22:00:00.000Z"}).encode()
    with service(body) as server:
        harness = grid(collector_harness, server, "electricity_maps", zone="DE", token=TOKEN)
        harness.run()
        server.status = 503
        harness.run(advance=2_700)
        assert harness.series(metrics.CARBON) == {("market", "DE"): 302}
        harness.run(advance=200)
        assert not harness.series(metrics.CARBON)


def test_a_refused_token_is_not_sent_again_and_stands_nowhere(collector_harness):
    with service(b"", status=401) as server:
        harness = grid(collector_harness, server, "entsoe", zone="FR", token=TOKEN)
        for _ in range(10):
            harness.run(advance=HOUR)
        assert len(server.asked) == 1
        assert TOKEN in server.asked[0]
        assert TOKEN not in harness.part_failures[0].text + harness.exposition()
        assert harness.series(metrics.UNAVAILABLE) == {("market", "auth"): 1}


def test_an_exhausted_quota_is_left_alone_for_as_long_as_it_says(collector_harness):
    with service(b"", status=429) as server:
        server.headers["Retry-After"] = "3000"
        harness = grid(collector_harness, server)
        harness.run()
        harness.run(advance=2_900)
        assert len(server.asked) == 1


def test_two_documents_take_turns(collector_harness):
    with service(b"{}") as server:
        harness = grid(collector_harness, server, "energy_charts")
        for _ in range(4):
            harness.run(advance=4_000)
        assert [path.partition("?")[0] for path in server.asked] == ["/price", "/co2eq"] * 2


def test_the_hours_ahead_are_means_of_what_is_known_whole(collector_harness):
    quarters = [0.0, 100.0, 200.0, 300.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    with service(market(*quarters, seconds=QUARTERS)) as server:
        harness = grid(collector_harness, server, fees_per_kwh=0.1, tax_ratio=0.5)
        harness.run()
        assert harness.series(metrics.PRICE_AHEAD) == {("market", "DE", "EUR", "1"): pytest.approx(0.1875)}
        assert not harness.series(metrics.CARBON_AHEAD)


async def test_all_that_is_known_is_answered_as_json(collector_harness):
    with service(market(100.0, -5.0)) as server:
        harness = await in_thread(grid, collector_harness, server)
        await in_thread(harness.run)
        async with serve_routes(harness.collector.collector_routes()) as session:
            (said,) = (await (await session.get("/api/v1/grid")).json())["providers"]
    assert (said["provider"], said["currency"], said["carbon_grams_per_kwh"]) == ("market", "EUR", [])
    assert [each["value"] for each in said["price_per_kwh"]] == [0.1, -0.005]


async def in_thread(function, *arguments):
    import asyncio

    return await asyncio.to_thread(function, *arguments)


def test_others_read_the_first_provider_that_tells(collector_harness):
    with service(market(100.0)) as server:
        harness = grid(collector_harness, server)
        harness.run()
        assert GridFactors().price(harness.published()) == Price(0.1, "EUR", "DE", "market")
        assert GridFactors().price(harness.published(), zone="AT") is None
        assert GridFactors().carbon(harness.published()) is None
    (demo,) = collector_demo_types()
    shown = collector_harness(demo)
    shown.run()
    assert GridFactors().carbon(shown.published(), "DE-LU") == Intensity(
        shown.value(metrics.CARBON, provider="market", zone="DE-LU"), "DE-LU", "market"
    )


def test_a_day_of_23_hours_and_one_of_25(collector_harness):
    del collector_harness
    for start, end, quarters in (
        ("2026-03-28T23:00Z", "2026-03-29T22:00Z", 92),
        ("2026-10-24T22:00Z", "2026-10-25T23:00Z", 100),
    ):
        slots = parse(document(start, end, "PT15M", range(1, quarters + 1)), None).prices
        assert len(slots) == quarters
        assert slots[-1].value == pytest.approx(quarters / 1000)
    clocks = ["2026-10-25T02:45:00.000+02:00", "2026-10-25T02:00:00.000+01:00", "2026-10-25T02:15:00.000+01:00"]
    told = parse_tibber(home([{"total": n, "startsAt": at, "currency": "EUR"} for n, at in enumerate(clocks)]), PLACE)
    assert [slot.end - slot.start for slot in told.prices] == [900, 900, 900]


def document(start, end, step, prices, sequence=1):
    points = "".join(
        f"<Point><position>{number}</position><price.amount>{price}</price.amount></Point>"
        for number, price in enumerate(prices, 1)
    )
    return (
        '<Publication_MarketDocument xmlns="urn:x"><TimeSeries><currency_Unit.name>EUR</currency_Unit.name>'
        "<price_Measure_Unit.name>MWH</price_Measure_Unit.name><classificationSequence_AttributeInstanceComponent"
        f".position>{sequence}</classificationSequence_AttributeInstanceComponent.position><Period><timeInterval>"
        f"<start>{start}</start><end>{end}</end></timeInterval><resolution>{step}</resolution>{points}"
        "</Period></TimeSeries></Publication_MarketDocument>"
    ).encode()


def home(today):
    info = {"priceInfo": {"today": today, "tomorrow": []}}
    return json.dumps({"data": {"viewer": {"homes": [{"id": "x", "currentSubscription": info}]}}}).encode()


PLACE = Place("http://127.0.0.1", "home", SecretStr(TOKEN), NOW)
DOCUMENTS = [each for kind in KINDS.values() for each in kind.documents]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@given(st.sampled_from(DOCUMENTS), st.binary(max_size=99) | JSON.map(lambda value: json.dumps(value).encode()))
@example(ENTSOE.documents[0], b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
@example(ENTSOE.documents[0], document("2023-11-14T22:00Z", "2999-11-14T22:00Z", "PT15M", ["1e400", "nan"]))
@example(KINDS["tibber"].documents[0], b'{"data": {"viewer": {"homes": []}}}')
@example(KINDS["awattar"].documents[0], market(1e9, float("nan")))
def test_whatever_a_provider_says_is_possible_or_refused(asked, body):
    with suppress(NotAvailable, AuthFailed):
        told = read(asked, body, PLACE)
        curve = Curve()
        curve.add([*told.prices, *told.carbon], NOW)
        assert all(isfinite(slot.value) for slot in curve.slots)


SLOTS = st.lists(
    st.builds(
        lambda start, length, value: Slot(NOW + start, NOW + start + length, value),
        st.integers(-7200, 7200),
        st.integers(1, 7200),
        st.floats(-5, 5),
    ),
    max_size=8,
)


@given(SLOTS, SLOTS)
def test_slots_of_a_curve_never_overlap_and_newer_ones_hold(before, after):
    curve = Curve()
    curve.add(before, NOW)
    curve.add(after, NOW)
    for one, two in zip(curve.slots, curve.slots[1:], strict=False):
        assert one.start < one.end <= two.start
    if len(after) == 1:
        assert curve.at(after[0].start) == after[0].value


def test_the_last_of_a_row_is_as_long_as_the_one_before():
    assert [slot.end - slot.start for slot in until_the_next([(0, 1.0), (900, 2.0)])] == [900, 900]
    assert list(until_the_next([])) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "entso"}, "nearest is 'entsoe'"),
        ({"kind": "entsoe", "token": TOKEN}, "needs a `zone`: DE_LU"),
        ({"kind": "entsoe", "zone": "Germany", "token": TOKEN}, "EIC code"),
        ({"kind": "entsoe", "zone": "FR"}, "needs a `token`"),
        ({"kind": "awattar", "zone": "FR"}, "DE or AT"),
        ({"kind": "tibber"}, "needs a `token`"),
        ({"kind": "awattar", "url": "http://example.org"}, "https://"),
        ({"kind": "awattar", "tax_ratio": 19}, "less than or equal to 2"),
    ],
)
def test_options_that_cannot_work_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate({"providers": [{"name": "a"} | wrong]})


def test_two_providers_have_two_names():
    one = {"name": "a", "kind": "awattar"}
    with pytest.raises(ValidationError, match="two providers are called 'a'"):
        Config.model_validate({"providers": [one, one]})


def test_without_providers_it_says_what_to_add(collector_harness):
    with pytest.raises(NotAvailable, match="no provider is configured"):
        collector_harness(Grid).run()


def test_the_demo_shows_every_metric_but_failures(collector_harness):
    (demo,) = collector_demo_types()
    harness = collector_harness(demo)
    harness.run()
    assert {metric for metric in metrics.ALL if harness.series(metric)} == {*metrics.ALL} - {metrics.UNAVAILABLE}
