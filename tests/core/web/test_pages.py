"""The nine pages: one frame, every text literal, the view in the address, two languages, and files to take along."""

import asyncio
import gzip
import json
import re
import threading
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import web

from collector_core import Collector, Gauge, NotAvailable, Unit
from collector_core.config.settings import Instance
from collector_core.engine.app import App
from collector_core.metering import FlowEdge, read_graph
from collector_core.web.pages.chart import LINES, _columns, _Scale
from collector_core.web.pages.handlers import Pages
from collector_core.web.pages.layout import PATHS
from collector_core.web.pages.period import DEFAULT_RANGE, RANGES, Period, chosen_period
from collector_core.web.pages.sankey import NODE_WIDTH, WIDTH, draw, place, shortened
from collector_core.web.pages.view import View
from collector_core.web.pages.vocabulary import WORDS
from collector_core.web.pages.words import Words, chosen_language

EVIL = "<b>desk</b>&amp;"
FIX = "mount <it> & go on"
FLOW = Gauge("lamp_flow_watts", "Flow.", Unit.WATTS, ("from", "to"), topic="power_flow", of="host")
VM = Gauge("lamp_vm_watts", "Power.", Unit.WATTS, ("vm",), topic="power", of="vm")
PLUG = Gauge("lamp_plug_watts", "Power.", Unit.WATTS, ("device",), topic="power", of="plug")
SITE = Gauge("lamp_site_watts", "Power.", Unit.WATTS, ("host",), topic="total_power", of="site")


class Lamp(Collector):
    """Publishes a graph and things whose names try to be HTML."""

    name = "lamp"
    metrics = (FLOW, VM, PLUG, SITE)
    hosts = ("nas", "")

    def collect(self, out):
        for source, target, watts in (
            (f"plug/{EVIL}", "host/nas", 1234.5),
            ("host/nas", "component/nas/cpu", 1000.0),
            ("host/nas", "unknown/host/nas", 234.5),
        ):
            out.add(FLOW, watts, **{"from": source, "to": target})
        out.add(VM, 12.0, vm=EVIL)
        out.add(PLUG, 9.0, device=EVIL)
        for host in self.hosts:
            out.add(SITE, 1100.0, host=host)


class Broken(Collector):
    """Cannot run."""

    name = "broken"
    metrics = (Gauge("broken_on", "On."),)

    def collect(self, out):
        raise NotAvailable("not_found", EVIL, fix=FIX)


class Document(HTMLParser):
    """What of a page a test looks at."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self._open = [], [], []
        self.feed(html)
        self.text = " ".join(self.texts)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def app():
    app = App(None)
    for cls in (Lamp, Broken):
        instance = Instance(
            name=cls.name, type=cls, options=cls.config_type(), interval=5.0, timeout=5.0, stale_after=60.0,
            labels=(), max_series=100,
        )  # fmt: skip
        app.add(instance).run_now()
    yield app
    app.stop(0.0)


@pytest.fixture
async def get(app, serve):
    pages = Pages(app)
    application = web.Application()
    application.add_routes(pages.table())
    application.on_shutdown.append(pages.live.close)
    runner = await serve(application)
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession(f"http://{host}:{port}", auto_decompress=False) as session:

        async def get(path, **headers):
            async with session.get(path, headers=headers) as response:
                return response.status, response.headers, await response.read()

        get.session, get.address = session, (host, port)
        yield get


async def document(get, path, **headers):
    status, _, body = await get(path, **headers, **{"Accept-Encoding": "identity"})
    assert status == 200, path
    return Document(body.decode())


async def test_each_page_has_one_frame_and_links_to_all(get):
    for path in PATHS.values():
        page = await document(get, path)
        assert len(page.of("nav")) == len(page.of("main")) == len(page.of("h1")) == 1
        links = {link["href"]: link.get("aria-current") for link in page.of("a") if link.get("href") in PATHS.values()}
        assert links.keys() == set(PATHS.values())
        assert [href for href, here in links.items() if here == "page"] in ([path], [])
        assert page.of("html")[0]["lang"] == "en"


async def test_the_policy_is_strict_and_the_same_on_each_page(get):
    policies = {(await get(path))[1]["Content-Security-Policy"] for path in PATHS.values()}
    (policy,) = policies
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none';")


@pytest.mark.parametrize(("hosts", "shown"), [(("nas", ""), True), (("nas",), False)])
async def test_the_sum_of_the_site_is_shown_where_it_is_more_than_one_machine(app, get, monkeypatch, hosts, shown):
    monkeypatch.setattr(Lamp, "hosts", hosts)
    app.runners["lamp"].run_now()
    page = await document(get, "/")
    assert ("All together" in page.texts and "2.20 kW" in page.texts) is shown


async def test_names_and_errors_are_shown_literally(get):
    for path in ("/", "/workloads", "/devices"):
        assert EVIL in (await document(get, path)).text, path
    for path in ("/collectors", "/setup"):
        page = await document(get, path)
        assert EVIL in page.text
        assert FIX in page.text
        assert "b" not in [tag for tag, _ in page.tags]


async def test_a_disk_that_hangs_takes_the_pages_of_the_past_alone(get, app, monkeypatch):
    asked, released = threading.Event(), threading.Event()

    class Hanging:
        def events(self, start, end):
            asked.set()
            released.wait(60)
            return []

    monkeypatch.setattr(app.history, "past", Hanging())
    waiting = [asyncio.create_task(get("/events")) for _ in range(40)]
    try:
        assert await asyncio.to_thread(asked.wait, 60)
        for path in PATHS.values():
            if path not in ("/history", "/events"):
                assert (await get(path))[0] == 200, path
        assert not any(each.done() for each in waiting)
    finally:
        released.set()
    assert {status for status, _, _ in await asyncio.gather(*waiting)} == {200}


async def test_now_has_each_node_with_its_watts_and_a_shape_for_each_edge(get):
    page = await document(get, "/?lang=de")
    assert "1,23 kW · Steckdose" in page.text
    assert len([path for path in page.of("path") if path.get("class", "").startswith("flow")]) == 3


async def test_the_language_is_that_of_the_reader_and_the_address_has_the_last_word(get):
    german = await document(get, "/", **{"Accept-Language": "fr, de-CH;q=0.8, en;q=0.5"})
    assert german.of("html")[0]["lang"] == "de"
    english = await document(get, "/?lang=en", **{"Accept-Language": "de"})
    assert english.of("html")[0]["lang"] == "en"


@pytest.mark.parametrize("accepted", ["", "de;q=0", "fr", ";;;,q=", "en;q=x"])
def test_whoever_speaks_neither_reads_english(accepted):
    assert chosen_language("", accepted) == "en"


def test_words_have_both_languages_and_most_of_the_navigation_differs():
    assert all(english and german for english, german in WORDS.values())
    assert sum(WORDS[key][0] == WORDS[key][1] for key in PATHS) <= 3
    assert Words("de").quantity(1234.5, "watts") == "1,23 kW"


async def test_a_table_is_sorted_and_searched_by_the_address(get):
    page = await document(get, "/workloads?sort=power&order=down&q=desk")
    assert [head.get("aria-sort") for head in page.of("th")].count("descending") == 1
    columns = [button["id"] for button in page.of("button") if button.get("id", "").startswith("sort-")]
    assert columns[:2] == ["sort-name", "sort-power"], "a phone shows what it is about"
    assert EVIL in page.text
    assert EVIL not in (await document(get, "/workloads?q=nothing-like-it")).text


async def test_history_says_why_it_has_nothing(get):
    page = await document(get, "/history?series=node_load1&range=24h")
    assert "No history is kept" in page.text
    pressed = [button["id"] for button in page.of("button") if button.get("aria-pressed") == "true"]
    assert "range-24h" in pressed


async def test_set_up_links_to_each_dashboard_and_rule_which_are_there(get):
    links = [link["href"] for link in (await document(get, "/setup")).of("a")]
    dashboards = [link for link in links if link.startswith("/dashboards/")]
    rules = [link for link in links if link.startswith("/rules/")]
    assert dashboards
    assert rules
    assert json.loads((await get(dashboards[0]))[2])["panels"]
    assert b"groups:" in (await get(rules[0]))[2]
    assert (await get("/rules/..%2f__init__.py"))[0] == 404


async def test_what_pages_load_is_small_and_compressed(get):
    total = 0
    page = await document(get, "/")
    addresses = [*(each["href"] for each in page.of("link")[1:]), *(each["src"] for each in page.of("script"))]
    assert [address.partition("?v=")[0] for address in addresses] == ["/page.css", "/page.js"]
    for path in addresses:
        assert "no-cache" in (await get(path.partition("?")[0]))[1]["Cache-Control"]
        assert "no-cache" in (await get(f"{path}0"))[1]["Cache-Control"]
        assert "immutable" in (await get(path))[1]["Cache-Control"]
        _, headers, body = await get(path, **{"Accept-Encoding": "gzip"})
        assert headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body) == (await get(path, **{"Accept-Encoding": "identity"}))[2]
        total += len(body)
    assert total < 20_000


async def test_the_stream_begins_with_the_graph_and_ends_with_the_server(get, app):
    async with asyncio.timeout(60), get.session.get("/api/v1/live") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        text = ""
        while "\n\n" not in text.partition("data: ")[2]:
            text += (await response.content.readany()).decode()
    data = json.loads(re.search("data: (.*)", text)[1])
    assert {(edge["from"], edge["to"]) for edge in data["edges"]} >= {("host/nas", "component/nas/cpu")}


def test_no_label_of_the_diagram_covers_another():
    edges = [FlowEdge("grid/a", "host/x", 10.0)] + [FlowEdge("host/x", f"component/x/c{n}", 0.5) for n in range(20)]
    layout = place(read_graph(edges))
    columns = {}
    for box in layout.boxes.values():
        columns.setdefault(box.x, []).append(box.y)
    for places in columns.values():
        ordered = sorted(places)
        assert all(below - above >= 26 for above, below in pairwise(ordered))
    assert max(box.y + box.height for box in layout.boxes.values()) <= layout.height


async def test_only_pages_without_fields_are_loaded_again_where_no_script_runs(get):
    pages = {path: await document(get, path) for path in PATHS.values()}
    again = {path for path, page in pages.items() if any("http-equiv" in meta for meta in page.of("meta"))}
    assert again == {"/", "/collectors"}


async def test_a_host_that_is_no_text_is_shown_as_escapes(get):
    reader, writer = await asyncio.open_connection(*get.address)
    writer.write(b"GET /setup HTTP/1.1\r\nHost: h\xff\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert rb"h\udcff" in answer


async def test_nobody_waits_for_the_head_of_a_stream(get):
    async with asyncio.timeout(60), get.session.head("/api/v1/live") as response:
        assert response.status == 405


@pytest.mark.parametrize("query", ["from=0&to=1e15", "from=0&to=inf", "from=nan&to=nan", "from=5&to=1", "from=-5"])
def test_a_period_that_is_none_is_the_usual_one(app, query):
    period = chosen_period(View(app, Words("en"), "/history", dict(parse_qsl(query)), "host"))
    assert period.end - period.start == pytest.approx(RANGES[DEFAULT_RANGE])


@pytest.mark.parametrize("seconds", [60.0, 3600.0, 30 * 86_400.0, 50 * 365 * 86_400.0])
def test_a_chart_has_few_times_below_it_however_long_it_is(app, seconds):
    view = View(app, Words("en"), "/history", {}, "host")
    assert len(list(_columns(view, _Scale(Period(0.0, seconds), 0.0, 1.0)))) <= LINES + 3


@pytest.mark.parametrize("name", ["a" * 300, "W" * 300, "電" * 300, "desk", ""])
def test_a_label_ends_before_the_next_column(app, name):
    nodes = ["grid/a", "site/home", f"plug/{name}", "host/x", "component/x/cpu", "guest/x/a", "work/x/a"]
    graph = read_graph(FlowEdge(*ends, 10.0) for ends in pairwise(nodes))
    box = place(graph).boxes[f"plug/{name}"]
    columns = sorted({each.x for each in place(graph).boxes.values()})
    assert box.x + NODE_WIDTH + box.room < columns[columns.index(box.x) + 1]
    assert max(each.x + NODE_WIDTH + each.room for each in place(graph).boxes.values()) < WIDTH
    label = shortened(name, box.room)
    wide = len(label) * {"W": 12.0, "電": 12.5}.get(name[:1], 6.5)
    assert wide <= box.room
    assert label == name or (label.endswith("…") and name.startswith(label[:-1]))
    assert f"<title>{name}: 10 W</title>" in draw(View(app, Words("en"), "/", {}, "host"), graph)


def test_the_kind_of_a_node_is_no_html(app):
    graph = read_graph([FlowEdge('"><b>', "host/x", 10.0)])
    assert "<b>" not in draw(View(app, Words("en"), "/", {}, "host"), graph)
