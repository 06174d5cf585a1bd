"""The whole site: what it draws, costs and emits, how long batteries last, and each part with its share."""

import pytest

from collector_core import Collector, Counter, Gauge, Unit
from collector_core.config.settings import Instance
from collector_core.engine.app import App
from collector_core.web.pages.view import View
from collector_core.web.pages.whole_site import WholeSite
from collector_core.web.pages.words import Words
from tests.core.web.test_pages import EVIL, Document

PART = ("component", "device", "host")
WATTS = Gauge("w_watts", "W.", Unit.WATTS, PART, topic="total_power", of="site")
JOULES = Counter("w_joules_total", "W.", Unit.JOULES, PART, topic="total_energy", of="site")
COST = Counter("w_cost_total", "W.", labels=("currency",), topic="cost", of="host")
PRICE = Gauge("w_price", "W.", labels=("currency", "source"), topic="price", of="host")
OVERHEAD = Gauge("w_overhead_ratio", "W.", Unit.RATIO, topic="power_usage_effectiveness", of="building")
MIX = Gauge("w_mix", "W.", topic="carbon_intensity", of="site")
RUNTIME = Gauge("w_runtime_seconds", "W.", Unit.SECONDS, ("device",), topic="runtime_at_this_draw", of="battery")


class House(Collector):
    """A lamp and a processor."""

    name = "house"
    metrics = (WATTS, JOULES, COST, PRICE, OVERHEAD, MIX, RUNTIME)
    knows_more = True

    def collect(self, out):
        for device, host, watts in (("desk", "", 300.0), (EVIL, "nas", 700.0)):
            out.add(WATTS, watts, component="plug", device=device, host=host)
            out.add(JOULES, watts * 3600, component="plug", device=device, host=host)
        if self.knows_more:
            out.add(COST, 1.0, currency="EUR")
            out.add(PRICE, 0.25, currency="EUR", source="configured")
            out.add(OVERHEAD, 1.5)
            out.add(MIX, 290.4)
            out.add(RUNTIME, 5400.0, device=EVIL)


@pytest.fixture
def show():
    app = App(None)
    runner = app.add(
        Instance(
            name="house", type=House, options=House.config_type(), interval=5.0, timeout=5.0, stale_after=60.0,
            labels=(), max_series=100,
        )
    )  # fmt: skip

    def show(render=WholeSite.parts, language="en", **query):
        runner.run_now()
        return Document("".join(render(WholeSite(View(app, Words(language), "/", query, "host")))))

    yield show
    app.stop(0.0)


def test_the_site_has_its_power_cost_carbon_and_the_runtime_of_batteries(show):
    assert show(WholeSite.total, "de").texts == ["Alles zusammen", "1 kW", "1 kWh seit dem Start"]
    texts = show(WholeSite.tiles, "de").texts
    assert {"9,00 €", "290 g", "je kWh", f"{EVIL} reicht", "1,5 h", "bei diesem Verbrauch"} <= set(texts)


def test_each_part_has_its_share_and_cost_and_the_largest_comes_first(show):
    texts = show().texts
    assert texts.index(EVIL) < texts.index("desk")
    assert {"700 W", "70 %", "€6.30", "300 W", "30 %", "€2.70", "nas"} <= set(texts)
    assert [each["aria-sort"] for each in show(**{"sort-part": "device"}).of("th")].count("ascending") == 1


def test_hosts_stand_as_a_whole_beside_what_is_in_none(show):
    texts = show(WholeSite.hosts).texts
    assert texts.index("nas") < texts.index("beside the hosts")
    assert {"700 W", "300 W", "70 %", "€6.30"} <= set(texts)


def test_what_is_not_known_is_left_out(show, monkeypatch):
    monkeypatch.setattr(House, "knows_more", False)
    assert show(WholeSite.tiles).texts == []
    assert "700 W" in show().texts
    assert "€" not in show().text


def test_without_a_ledger_there_is_no_such_section(monkeypatch, show):
    monkeypatch.setattr(House, "collect", lambda self, out: out.add(MIX, 1.0))
    assert [show(render).texts for render in (WholeSite.parts, WholeSite.hosts, WholeSite.total)] == [[], [], []]
