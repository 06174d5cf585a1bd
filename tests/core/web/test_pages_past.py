"""What pages show of the past: parts of the time, money, and answers that pages of the present do not wait for."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qsl

import pytest

from collector_core.engine.app import App
from collector_core.errors import HistoryUnavailable, Reason
from collector_core.history.past import PastEnergy, PastEvent, PastSeries
from collector_core.model.series import Series
from collector_core.web.pages import late_past
from collector_core.web.pages.chart import draw
from collector_core.web.pages.days import render_days
from collector_core.web.pages.late_past import LatePast
from collector_core.web.pages.period import Period, chosen_range, render_zoom
from collector_core.web.pages.shared_answers import SharedAnswers
from collector_core.web.pages.view import View
from collector_core.web.pages.words import Words

DAY = 86_400.0
START = 1_700_000_000.0


@pytest.fixture
def view():
    app = App(None)
    yield lambda query="", language="en": View(app, Words(language), "/history", dict(parse_qsl(query)), "host")
    app.stop(0.0)


@pytest.fixture
def late():
    with ThreadPoolExecutor(1) as threads:
        yield LatePast(threads)


def buttons(html):
    return {
        part.partition('"')[0]: dict(parse_qsl(unescape(part.partition('data-set="')[2].partition('"')[0])))
        for part in html.split('id="')[1:]
    }


def test_the_period_can_be_made_shorter_and_longer_and_moved(view):
    html = render_zoom(view(f"from={START}&to={START + DAY}"), Period(START, START + DAY))
    moved = {
        name: (float(each["from"]) - START, float(each["to"]) - START) for name, each in buttons(html).items() if each
    }
    assert moved["zoom-in"] == (DAY / 4, DAY * 3 / 4)
    assert moved["zoom-out"] == (-DAY / 2, DAY * 3 / 2)
    assert moved["earlier"] == (-DAY / 2, DAY / 2)
    assert moved["later"] == (DAY / 2, DAY * 3 / 2)
    assert 'id="unzoom"' in html


@pytest.mark.parametrize(
    ("of", "note"), [("", "100 Wh · 40 g CO₂"), ("this machine", "this machine · 100 Wh · 40 g CO₂")]
)
def test_what_a_day_took_says_of_what_where_the_page_shows_more(view, of, note):
    class Past(LatePast):
        def ask(self, key, work):
            return PastEnergy(360_000.0, 0.05, 40.0), PastEnergy()

    with ThreadPoolExecutor(1) as threads:
        html = render_days(replace(view(), past=Past(threads)), of=of)
    assert f"<small>{note}</small>" in html
    assert html.count("<li") == 1


def test_a_period_of_the_address_presses_no_button(view):
    assert chosen_range(view("range=24h")) == "24h"
    assert chosen_range(view(f"range=24h&from={START}&to={START + DAY}")) == ""
    assert chosen_range(view("range=24h&from=nonsense")) == "24h"


def test_a_chart_says_which_part_of_the_time_it_shows_and_marks_events_literally(view):
    series = Series('lamp{a="<b>"}', "lamp", {}, "gauge", "watts", "", "lamp")
    event = PastEvent(START + 50, "start", "<i>", "<b>on</b>")
    html = draw(
        view(), [PastSeries(series, [(START, 112.5), (START + 60, 5.0)])], (), Period(START, START + 60), [event]
    )
    assert f'data-from="{START:.0f}" data-to="{START + 60:.0f}"' in html
    assert "start: &lt;b&gt;on&lt;/b&gt;" in html
    assert "lamp{a=&quot;&lt;b&gt;&quot;}" in html
    assert ">125 W<" in html or ">150 W<" in html


@pytest.mark.parametrize(
    ("amount", "english", "german"),
    [(2.411, "€2.41", "2,41 €"), (0.0164, "€0.016", "0,016 €"), (0.0, "€0.00", "0,00 €")],
)
def test_money_has_its_currency_and_small_sums_are_not_nothing(amount, english, german):
    assert Words("en").money(amount, "EUR") == english
    assert Words("de").money(amount, "EUR") == german
    assert Words("en").money(1.5, "CHF") == "1.50 CHF"


def test_a_disk_that_hangs_costs_the_answer_alone(late, monkeypatch):
    monkeypatch.setattr(late_past, "FIRST_WAIT", 0.0)
    released = threading.Event()

    def hang():
        released.wait(60)
        return 7

    try:
        assert late.ask("days", hang) is None
        assert late.ask("days", hang) is None
    finally:
        released.set()


def test_an_answer_is_kept_for_a_while_and_the_last_one_is_better_than_none(late, monkeypatch):
    def fail():
        raise HistoryUnavailable(Reason.TIMEOUT, "gone")

    monkeypatch.setattr(late_past, "FIRST_WAIT", 60.0)
    assert late.ask("days", lambda: 1) == 1
    assert late.ask("days", lambda: 2) == 1
    monkeypatch.setattr(late_past, "OLDEST", -1.0)
    released = threading.Event()
    assert late.ask("days", released.wait) == 1
    released.set()
    assert late.ask("other", fail) is None


def test_a_question_that_fails_costs_no_page_of_the_present(late, monkeypatch):
    monkeypatch.setattr(late_past, "FIRST_WAIT", 60.0)
    assert late.ask("days", lambda: 1 // 0) is None


async def test_those_who_ask_the_same_at_once_share_one_answer():
    made, answered = [], asyncio.Event()

    async def make():
        made.append(1)
        await answered.wait()
        return b"page"

    shared = SharedAnswers[bytes]()
    asking = [asyncio.create_task(shared.get("now", make)) for _ in range(20)]
    other = asyncio.create_task(shared.get("history", make))
    await asyncio.sleep(0)
    asking[0].cancel()
    answered.set()
    assert set(await asyncio.gather(*asking[1:], other)) == {b"page"}
    assert len(made) == 2
