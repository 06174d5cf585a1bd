"""The collector with an account that the test decides, on a clock that it moves."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

import pytest

from collector_core import AuthFailed, NotAvailable
from collector_core.testing import assert_plugin_contract
from collector_plugins.solix import Solix, cloud, metrics
from collector_plugins.solix.request_budget import LIMIT, WINDOW, RequestResult
from tests.plugins.solix.conftest import OPTIONS, FakeAccount

LABELS = {"device": "F3800", "model": "A1790", "name": "Garage"}
STATION = {"type": "pps", "device_pn": "A1790", "alias": "Garage", "battery_capacity": "3840", "mqtt_supported": True}
DAY = 86400


def station(charge, power_in=0, power_out=0):
    return {"battery_soc": charge, "bat_charge_power": power_in, "output_power_total": power_out, "temperature": 25}


@pytest.fixture
def account():
    return FakeAccount(devices={"F3800": dict(STATION)})


def failures(harness):
    return {part.labels["source"]: part.error for part in harness.part_failures}


def test_the_contract(tmp_path):
    assert_plugin_contract(Solix, tmp_path, options=OPTIONS)


def test_it_runs_only_where_it_is_named(tmp_path):
    assert "account" in Solix.detect(None).detail


def test_the_first_run_logs_in_connects_and_asks(solix, account):
    harness = solix(account)
    harness.run()
    assert account.calls[:2] == ["log_in", "update_sites"]
    assert account.asked[0] == ("F3800", 30)
    assert harness.value(metrics.CONNECTED) == 1
    assert harness.value(metrics.CAPACITY, **LABELS) == 3840 * 3600


def test_without_mqtt_every_cycle_asks_the_cloud(solix, account):
    harness = solix(account, mqtt=False)
    for _ in range(3):
        harness.run(advance=120)
    assert account.calls.count("update_sites") == 3
    assert "connect" not in account.calls
    assert harness.series(metrics.CONNECTED) == {}


def test_a_message_is_shown_and_grows_old(solix, account):
    harness = solix(account)
    harness.run()
    account.receive("F3800", station(62, power_out=812))
    harness.run(advance=10)
    assert harness.value(metrics.CHARGE, **LABELS) == pytest.approx(0.62)
    assert harness.value(metrics.OUTPUT, **LABELS) == 812
    assert harness.value(metrics.AGE, **LABELS, source="mqtt") == 10
    harness.run(advance=351)
    assert harness.value(metrics.CHARGE, **LABELS) is None
    assert harness.value(metrics.AGE, **LABELS, source="mqtt") == 361
    assert harness.value(metrics.CAPACITY, **LABELS) is not None


def test_a_message_of_an_unknown_device_is_no_series(solix, account):
    harness = solix(account)
    harness.run()
    account.receive("STRANGER", station(62))
    harness.run(advance=10)
    assert [key[0] for key in harness.series(metrics.DEVICE_INFO)] == ["F3800"]


def test_a_low_battery_makes_it_fast_and_is_told(solix, account):
    harness = solix(account)
    harness.run()
    account.receive("F3800", station(29, power_out=500))
    harness.run(advance=1)
    assert harness.value(metrics.FAST) == 1
    assert harness.value(metrics.LOW, **LABELS) == 1
    assert harness.value(metrics.DISCHARGING, **LABELS) == 1
    account.asked.clear()
    harness.run(advance=30)
    assert account.asked == [("F3800", 60)]
    account.receive("F3800", station(36, power_in=900))
    harness.run(advance=1)
    assert harness.value(metrics.FAST) == 0
    assert harness.value(metrics.LOW, **LABELS) == 0


def test_a_cloud_that_fails_leaves_the_live_values(solix, account):
    harness = solix(account)
    harness.run()
    account.receive("F3800", station(50))
    account.fails["update_sites"] = NotAvailable("unreachable", "429")
    harness.run(advance=600)
    account.receive("F3800", station(51))
    harness.run(advance=1)
    assert failures(harness).keys() == {"rest"}
    assert harness.value(metrics.CHARGE, **LABELS) == pytest.approx(0.51)
    del account.fails["update_sites"]
    harness.run(advance=120)
    assert failures(harness) == {}


def test_a_broker_that_refuses_leaves_the_cloud(solix, account):
    account.fails["connect"] = NotAvailable("unreachable", "no broker")
    harness = solix(account)
    harness.run()
    assert failures(harness).keys() == {"mqtt"}
    assert harness.value(metrics.CONNECTED) == 0
    assert harness.value(metrics.CAPACITY, **LABELS) is not None
    tries = account.calls.count("connect")
    harness.run(advance=1)
    assert account.calls.count("connect") == tries, "it waits before it tries again"


def test_where_nothing_is_known_the_whole_collector_is_unavailable(solix, account):
    account.fails["update_sites"] = NotAvailable("unreachable", "no network")
    harness = solix(account)
    with pytest.raises(NotAvailable, match="no network"):
        harness.run()
    harness._loop.run(harness._lifecycle.close())
    del account.fails["update_sites"]
    harness.run(advance=10)
    assert harness.value(metrics.CAPACITY, **LABELS) is not None


def test_a_broker_that_refused_is_asked_again(solix, account):
    account.fails["connect"] = NotAvailable("unreachable", "not authorized")
    harness = solix(account)
    harness.run()
    del account.fails["connect"]
    harness.run(advance=10)
    assert failures(harness) == {}
    assert harness.value(metrics.CONNECTED) == 1


def test_a_cloud_that_hung_is_asked_in_the_next_cycle(solix, account):
    harness = solix(account)
    harness.run()
    account.fails["update_sites"] = TimeoutError()
    harness.run(advance=600)
    assert failures(harness)["rest"].reason == "timeout"
    del account.fails["update_sites"]
    harness.run(advance=120)
    assert failures(harness) == {}


@pytest.mark.parametrize("method", ["log_in", "update_sites", "connect"])
def test_a_refused_account_is_not_tried_again(solix, account, method):
    account.fails[method] = AuthFailed("wrong password")
    harness = solix(account)
    with pytest.raises(AuthFailed):
        harness.run()
    tries = account.calls.count(method)
    with pytest.raises(AuthFailed):
        harness.run(advance=DAY)
    assert account.calls.count(method) == tries == 1


def test_a_call_that_never_returns_holds_up_nobody(solix, account):
    harness = solix(account, mqtt=False)
    harness.run()

    async def hang(*, quick):
        await asyncio.sleep(3600)

    account.update_sites = hang
    harness.context.__dict__["interval"] = 0.1
    harness.run(advance=120)
    assert harness.value(metrics.CAPACITY, **LABELS) is not None


def test_a_device_that_is_gone_is_forgotten(solix, account):
    harness = solix(account)
    harness.run()
    account.device_table.clear()
    harness.run(advance=600)
    assert harness.series(metrics.DEVICE_INFO) == {}
    assert harness.series(metrics.AGE) == {}


def test_unmapped_fields_are_told_once_for_each_model(solix, account, caplog):
    caplog.set_level("INFO")
    account.device_table["F3800"]["mqtt_data"] = {"battery_soc": "50"}
    harness = solix(account)
    harness.run()
    for charge in (50, 51):
        account.receive("F3800", {**station(charge), "heating_power": 12, "ac_output_power_switch": 1})
        harness.run(advance=10)
    told = [record.message for record in caplog.records if "not shown" in record.message]
    assert told == ["A1790 reports fields that are not shown: heating_power"]


def test_names_that_no_label_may_have_are_made_printable(solix, account):
    account.device_table["F3800"]["alias"] = "Shed\n\ud800" + "x" * 200
    harness = solix(account)
    harness.run()
    ((_, _, name, _, _),) = harness.series(metrics.DEVICE_INFO)
    assert name.startswith("Shed  xxx")
    assert len(name) == 100


def test_hashed_serials_are_seen_nowhere(solix, account):
    harness = solix(account, hash_serials=True)
    harness.run()
    assert "F3800" not in harness.exposition()
    assert harness.series(metrics.DEVICE_INFO)


def test_without_the_library_it_says_how_to_get_it(collector_harness, monkeypatch):
    monkeypatch.setattr(cloud, "NEEDED", ("a_library_that_is_not_there",))
    monkeypatch.setattr(cloud, "LEAST_PYTHON", (3, 11))
    with pytest.raises(NotAvailable) as raised:
        collector_harness(Solix, **OPTIONS).run()
    assert raised.value.fix.startswith("pip install 'energy-collector[solix]' 'anker-solix-api @ git+https://")


def test_an_older_python_is_told(collector_harness, monkeypatch):
    monkeypatch.setattr(cloud, "LEAST_PYTHON", (99, 0))
    with pytest.raises(NotAvailable, match="needs Python 3.12"):
        collector_harness(Solix, **OPTIONS).run()


def test_requests_are_counted_by_endpoint_and_result(solix, account):
    harness = solix(account)
    harness.collector._budget.record_result("passport/login", RequestResult.OK)
    harness.collector._budget.record_result("passport/login", RequestResult.LIMITED)
    harness.run()
    lines = [line for line in harness.exposition().splitlines() if line.startswith("solix_requests_total")]
    assert lines == [
        'solix_requests_total{endpoint="passport/login",result="ok"} 1.0',
        'solix_requests_total{endpoint="passport/login",result="limited"} 1.0',
    ]


class Weather:
    """A power station through a day: sun until the evening, then the house empties it, and at night it is charged."""

    def __init__(self, clock, account):
        self.clock, self.account = clock, account

    def charge(self):
        hour = (self.clock.monotonic() - 1000) / 3600
        return max(20, 90 - 7 * hour) if hour < 14 else min(100, 20 + 8 * (hour - 14))

    def report(self):
        empties = (self.clock.monotonic() - 1000) / 3600 < 14
        message = station(round(self.charge()), power_in=0 if empties else 900, power_out=700 if empties else 0)
        self.account.receive("F3800", message)


def test_a_day_stays_inside_the_budget_and_sees_the_fast_mode_come_and_go(solix):
    site = {"site_info": {"site_name": "Home"}, "solarbank_info": {"solarbank_list": [{}]}, "home_load_power": "1"}
    account = FakeAccount({f"site{n}": site for n in range(3)}, {"F3800": dict(STATION)})
    harness = solix(account)
    weather = Weather(harness.clock, account)
    made = []

    def request(endpoint):
        assert harness.collector._budget.claim_request(endpoint) == 0, f"{endpoint} is over its budget"
        made.append((harness.clock.monotonic(), endpoint))

    async def ask(serial, seconds):
        account.asked.append((serial, seconds))
        weather.report()
        return True

    account._request, account.ask = request, ask
    fast = []
    for _ in range(DAY // 10):
        harness.run(advance=10)
        assert harness.part_failures == []
        fast.append(harness.value(metrics.FAST))
    changes = [after for before, after in pairwise(fast) if before != after]
    modes = [f"polling mode is {'FAST' if is_fast else 'normal'} now" for is_fast in changes]
    assert harness.events == [("mode", text) for text in modes]
    assert modes
    times = {}
    for at, endpoint in made:
        times.setdefault(endpoint, []).append(at)
    for endpoint, series in times.items():
        busiest = max(sum(start <= at < start + WINDOW for at in series) for start in series)
        assert busiest <= LIMIT, endpoint
    counts = Counter(endpoint for _, endpoint in made)
    slow_seconds, fast_seconds = 10 * fast.count(0), 10 * fast.count(1)
    assert counts["get_site_list"] == pytest.approx(slow_seconds / 600 + fast_seconds / 150, rel=0.05)
    assert counts["passport/login"] == counts["get_user_mqtt_info"] == 1
    assert counts["energy_analysis"] == 24 * 5
    changes = [(before, after) for before, after in pairwise(fast) if before != after]
    assert changes == [(0, 1), (1, 0)]
    assert len(account.asked) == pytest.approx(slow_seconds / 120 + fast_seconds / 30, rel=0.05)
