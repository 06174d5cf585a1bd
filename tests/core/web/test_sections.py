"""Sections that collectors add to the status page: escaped, in words too, and harmless whatever a collector does."""

import itertools
import re
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest

from collector_core import (
    Collector,
    Gauge,
    NotAvailable,
    PageBand,
    PageChart,
    PageLink,
    PageSection,
    PageTable,
    hookimpl,
)
from collector_core.engine.app import App
from collector_core.history.past import PastEvent
from collector_core.testing import FakeClock
from collector_core.web import page
from collector_core.web.pages import words
from collector_core.web.sections import render_links, render_sections

UNKNOWN = "not known"
START = 1_700_000_000.0


def chart(*values, **changes):
    times = [START - 5 * (len(values) - 1 - number) for number in range(len(values))]
    fields = {"title": "<Lamp>", "unit": "W", "times": times, "values": values, "window": 900, "longest_step": 12.5}
    return PageChart(**fields | changes)


def section(*charts, **changes):
    return PageSection(**{"name": "lamps", "title": "Lamps & more", "charts": charts} | changes)


def collector_with(show, name="lamp"):
    """A collector class that shows what `show()` returns; it reads what `read()` says, which may raise."""

    class Lamp(Collector):
        """Shows something."""

        metrics = (Gauge(f"{name}_on", "On."),)
        read = staticmethod(lambda: None)

        def collect(self, out):
            self.read()
            out.add(self.metrics[0], 1)

        @hookimpl
        def collector_page_sections(self):
            return show()

    Lamp.name = name
    return Lamp


class Bench:
    """An app whose collectors show sections."""

    def __init__(self, instance):
        self.clock = FakeClock(wall_time=START)
        self.app = App(root=Path("/"), clock=self.clock)
        self._instance = instance

    def add(self, show, name="lamp", **changes):
        cls = collector_with(show, name)
        return cls, self.app.add(self._instance(cls, **{"stale_after": 15.0} | changes))

    def show(self, *sections, **changes):
        _, runner = self.add(lambda: sections, **changes)
        runner.run_now()

    def html(self):
        return render_sections(self.app)


@pytest.fixture
def bench(instance):
    made = Bench(instance)
    yield made
    made.app.stop(0.5)


class Words(HTMLParser):
    """The words of a page, and what its pictures say."""

    def __init__(self, html):
        super().__init__()
        self.words, self.labels = [], []
        self.feed(html)

    def handle_data(self, data):
        self.words.append(data)

    def handle_starttag(self, tag, attrs):
        if tag == "svg":
            self.labels.append(dict(attrs)["aria-label"])


def test_a_chart_says_in_words_what_it_shows(bench):
    bench.show(section(chart(None, 10.0, 15.0, 12.34), note="last 15 minutes"))
    seen = Words(bench.html())
    assert seen.labels == ["<Lamp>, last 15 minutes: now 12.3 W, between 10 W and 15 W"]
    assert seen.words[:3] == ["Lamps & more ", "last 15 minutes", "<Lamp>"]
    assert "10 W to 15 W" in seen.words


def test_the_value_of_now_is_drawn_up_to_now(bench):
    bench.show(section(chart(10.0, 10.0)))
    bench.clock.advance(4)
    assert "L300.0 4.0" in bench.html()


def test_unknown_values_are_called_so_and_never_0(bench):
    bench.show(section(chart(10.0, None), chart()))
    seen = Words(bench.html())
    assert seen.words.count(UNKNOWN) == 2
    assert "0 W" not in seen.words
    assert seen.labels[0].endswith("now not known, between 10 W and 10 W; gaps where it was not known")


def test_estimates_and_notes_are_shown(bench):
    bench.show(section(chart(12.0, tag="estimate", approximate=True, note="1 Wh"), text="a text"))
    words = Words(bench.html()).words
    assert {"estimate", "≈ 12 W", "1 Wh", "a text"} <= set(words)


def test_what_is_expected_ahead_is_said_in_words_and_makes_room(bench):
    ahead = PageBand(times=[START, START + 86_400], lower=[5.0, 6.0], middle=[10.0, 10.0], upper=[15.0, 20.0])
    bench.show(section(chart(10.0, 12.0, window=86_400, expected=ahead)))
    html = bench.html()
    assert Words(html).labels[0].endswith("; in the next 24 hours expected between 5 W and 20 W")
    assert 'class="expected" d="M150.0 ' in html, "now is in the middle"


def test_what_happened_meanwhile_is_marked_in_the_charts_whose_time_it_is(bench):
    bench.app.redactor.hide(["hunter2"])
    happened = [
        PastEvent(START - 450, "start", "energy-collector", "started"),
        PastEvent(START - 300, "alert", "alerts", "<b>hunter2</b> fires: off"),
        PastEvent(START - 901, "start", "energy-collector", "before that"),
    ]
    bench.show(section(chart(10.0, 12.0), chart(1.0, window=400)))
    html = render_sections(bench.app, words=words.Words("de"), events=happened)
    assert html.count('class="mark"') == 3
    assert 'd="M150.0 0V48"><title>Start: gestartet</title>' in html
    assert html.count("Alarm: &lt;b&gt;&lt;secret&gt;&lt;/b&gt; schlägt an: off") == 2
    assert "before that" not in html
    assert ">Marken: 2</a>" in html


def test_every_text_is_escaped_and_tells_no_secret(bench):
    bench.app.redactor.hide(["hunter2"])
    evil = "<script>hunter2</script>"
    texts = {"title": evil, "note": evil, "text": evil}
    table = PageTable(columns=[evil], rows=[[evil]], title=evil)
    bench.show(
        section(chart(1.0, title=evil, unit=evil, note=evil, tag=evil), tables=[table], **texts),
        section(name="other", links=[PageLink(text=evil, path="/'\"><script>")]),
    )
    html = bench.html() + render_links(bench.app)
    assert "<script>" not in html
    assert "hunter2" not in html
    assert html.count("&lt;script&gt;&lt;secret&gt;") >= 10


def test_a_table_without_a_title_is_no_landmark_of_the_name_of_its_section(bench):
    bench.show(section(title="Lamps", tables=[PageTable(columns=["lamp"], rows=[["a"]])]))
    (table,) = re.findall(r'<div [^>]*aria-label="Lamps"[^>]*>', bench.html())
    assert 'role="region"' not in table


def test_tables_are_shown_with_their_heads(bench):
    bench.show(section(tables=[PageTable(columns=["lamp", "room"], rows=[["a", "hall"], ["b", "attic"]])]))
    html = bench.html()
    assert '<th scope="col">lamp</th><th scope="col">room</th>' in html
    assert "<tr><td>b</td><td>attic</td></tr>" in html


def test_sections_stand_in_their_order_and_links_once_in_the_head(bench):
    link = PageLink(text="lamps (JSON)", path="/api/v1/lamps")
    bench.show(section(title="Second", links=[link]))
    bench.show(section(title="First", order=1, links=[link]), name="desk", labels=(("of", "desk"),))
    html = page.render(bench.app)
    assert html.index("First") < html.index("Second") < html.index("Collectors")
    assert html.count('<a href="/api/v1/lamps">lamps (JSON)</a>') == 1
    assert 'id="section-desk-lamps"' in html
    assert 'id="section-lamp-lamps"' in html


def test_a_collector_that_fails_says_why_and_nothing_of_now(bench):
    def fail():
        raise NotAvailable("not_found", "no lamp at hunter2", fix="plug <hunter2> in")

    bench.app.redactor.hide(["hunter2"])
    cls, runner = bench.add(lambda: [section(chart(10.0))])
    runner.run_now()
    cls.read = staticmethod(fail)
    runner.run_now()
    assert "no lamp" not in bench.html(), "what was read last is still fresh"
    bench.clock.advance(16)
    words = Words(bench.html()).words
    assert "no lamp at <secret>" in words
    assert "plug <<secret>> in" in words
    assert UNKNOWN in words


@pytest.mark.parametrize(
    ("show", "reason"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: None, "TypeError"),
        (lambda: ["<p>"], "must return PageSection objects"),
        (lambda: [section(), section()], "each with a name of its own"),
        (lambda: [section(name=f"s{number}") for number in range(11)], "at most 10 sections"),
        (lambda: [section(chart(float("nan")))], "finite number"),
        (lambda: exec("raise SystemExit(7)"), "SystemExit"),
    ],
)
def test_one_that_cannot_say_what_it_shows_is_counted_and_harms_no_run(bench, caplog, show, reason):
    _, runner = bench.add(show)
    bench.show(section(title="Desk"), name="desk", labels=(("of", "desk"),))
    report = runner.run_now()
    bench.html()
    runner.run_now()
    assert report.result.has_data
    assert runner.health.part_failures == 2
    assert caplog.text.count("collector_page_sections failed") == 1
    assert reason in caplog.text
    assert "Desk" in bench.html()


def test_while_nobody_looks_sections_are_asked_for_every_ten_seconds(bench):
    asked = itertools.count(1)
    _, runner = bench.add(lambda: [section(title=f"Desk {next(asked)}")])

    def run(seconds):
        for _ in range(seconds):
            bench.clock.advance(1.0)
            runner.run_now()

    run(30)
    assert next(asked) == 31, "after each run at the start"
    run(10)
    assert next(asked) == 33
    run(1)
    assert next(asked) == 35
    run(3)
    assert "Desk 34" in bench.html()
    run(1)
    assert "Desk 36" in bench.html()
    run(3)
    assert next(asked) == 38


def test_one_that_hangs_harms_itself_alone(bench, gate):
    _, runner = bench.add(gate.wait, timeout=0.05)
    bench.show(section(title="Desk"), name="desk", labels=(("of", "desk"),))
    report = runner.run_now()
    assert (report.result.value, runner.hung) == ("timeout", True)
    assert report.error.startswith("no answer after 0.05 s")
    assert "Desk" in page.render(bench.app)


def test_a_program_that_looks_once_asks_for_no_sections(instance):
    asked = threading.Event()
    app = App(root=Path("/"), keeps_running=False)
    runner = app.add(instance(collector_with(lambda: asked.set() or [])))
    runner.run_now()
    app.stop(0.5)
    assert not asked.is_set()


def test_a_section_speaks_the_language_of_its_reader_where_it_has_words_for_it(bench):
    table = PageTable(columns=["what"], rows=[["lamp, today"], ["<b> 1.5"], ["10.0.0.1 v1.2.3"]])
    german = {"Lamps": "Lampen", "what": "was", "{}, today": "{}, heute", "lamp": "Lampe"}
    bench.show(section(chart(1500.0, title="Lamps"), title="Lamps", tables=[table], translations={"de": german}))
    html = render_sections(bench.app, words=words.Words("de"))
    for text in ("Lampen", ">was<", "Lampe, heute", "&lt;b&gt; 1,5", "10.0.0.1 v1.2.3", "1,50 kW", "Minuten: jetzt"):
        assert text in html
    assert ">Lamps<" in bench.html()
    assert "1.50 kW" in bench.html()


def test_a_secret_that_is_a_number_or_that_a_translation_would_split_is_hidden_in_each_language(bench):
    bench.app.redactor.hide(["3.14159", "open, today"])
    table = PageTable(columns=["what"], rows=[["key 3.14159"], ["open, today"]])
    translations = {"de": {"{}, today": "{}, heute"}}
    bench.show(section(chart(1.0, title="Key 3.14159"), tables=[table], translations=translations))
    html = render_sections(bench.app, words=words.Words("de"))
    assert "3,14159" not in html
    assert "heute" not in html
    assert ">key &lt;secret&gt;<" in html
