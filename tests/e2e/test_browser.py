"""The nine pages in a real browser, as somebody from outside sees them: one Chromium and three programs for all."""

import re
import textwrap
from contextlib import contextmanager
from importlib import resources
from urllib.parse import parse_qs, urlsplit

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
pytestmark = pytest.mark.xdist_group("browser")

PATHS = ("/", "/history", "/workloads", "/devices", "/sites", "/forecasts", "/events", "/collectors", "/setup")
WIDTHS = (390, 820, 1440)
WAIT = 60_000  # milliseconds, for what a busy machine may take
EVIL = ("<b>x</b>", "a&amp;b", '"><script>alert(1)</script>')
LEVELS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # what differs between themes

NASTY = """
    from collector_core import Collector, Gauge, Unit, hookimpl

    EVIL = ("<b>x</b>", "a&amp;b", '"><script>alert(1)</script>')
    FLOW = Gauge("nasty_flow_watts", "Flow.", Unit.WATTS, ("from", "to"), topic="power_flow", of="host")
    VM = Gauge("nasty_vm_watts", "Power.", Unit.WATTS, ("vm",), topic="power", of="vm")
    PLUG = Gauge("nasty_plug_watts", "Power.", Unit.WATTS, ("device",), topic="power", of="plug")
    MANY = Gauge("nasty_many_watts", "Many.", Unit.WATTS, ("number",), topic="power", of="port")

    class Nasty(Collector):
        name = "nasty"
        metrics = (FLOW, VM, PLUG, MANY)
        default_interval = 1.0

        def collect(self, out):
            for number, text in enumerate(EVIL):
                out.add(FLOW, 10.0 + number, **{"from": f"plug/{text}", "to": "host/nas"})
                out.add(FLOW, 10.0 + number, **{"from": "host/nas", "to": f"guest/nas/{text}"})
                out.add(VM, 5.0 + number, vm=text)
                out.add(PLUG, 5.0 + number, device=text)
                with out.part(part=text):
                    raise OSError(f"no {text}")
            for number in range(5000):
                out.add(MANY, number, number=str(number))

    @hookimpl
    def collector_types():
        return [Nasty]
"""
HUNG = """
    import threading
    from collector_core import Collector, Gauge, hookimpl

    class Hung(Collector):
        name = "hung"
        metrics = (Gauge("hung_on", "On."),)

        def collect(self, out):
            threading.Event().wait()

    @hookimpl
    def collector_types():
        return [Hung]
"""
STATE = """() => ({
    pressed: [...document.querySelectorAll("main button[aria-pressed=true]")].map((each) => each.id),
    sorted: [...document.querySelectorAll("th[aria-sort]:not([aria-sort=none])")].map(
        (each) => each.textContent + each.getAttribute("aria-sort")),
    values: [...document.querySelectorAll("main input, main select")].map((each) => each.value),
    rows: [...document.querySelectorAll("main tbody tr")].map((row) => row.cells[0].textContent).sort(),
})"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def launch(require):
    """The browser that runs, or a new one where it has ended."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    # Pages of the browser's own below its address bar, which it loads for each window: half a second of CPU.
    flags.append("--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup")
    browsers = []

    def launch():
        if not browsers or not browsers[-1].is_connected():
            browsers.append(driver.chromium.launch(executable_path=require("chromium"), args=flags))
        return browsers[-1]

    with playwright.sync_playwright() as driver:
        yield launch
        for browser in browsers:
            browser.close()


@pytest.fixture
def browser(launch):
    return launch()


@pytest.fixture
def demo(start_shared):
    return start_shared("demo", "--demo")


@pytest.fixture
def empty(start_shared, folder):
    config = folder / "empty.yaml"
    config.write_text("history: off\ncollectors: {}\n")
    return start_shared("empty", "--config", config)


@pytest.fixture
def nasty(start_shared, folder, eventually):
    """One whose names try to be HTML, with a collector that hangs and one of 5,000 series."""
    site = folder / "site"
    for name, code in {"nasty": NASTY, "hung": HUNG}.items():
        info = site / f"collector_{name}-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (site / f"plugin_{name}.py").write_text(textwrap.dedent(code))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: collector-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[collector_core]\n{name} = plugin_{name}\n")
    config = folder / "nasty.yaml"
    config.write_text(
        "history: {flush: 1s}\ncollectors: {nasty: {max_series: 6000}, hung: {timeout: 1s}, system: {}}\n"
    )
    program = start_shared("nasty", "--config", config, PYTHONPATH=str(site))
    eventually(lambda: "nasty_vm_watts" in program.request("/api/v1/history/series").text)
    return program


@pytest.fixture
def visit(browser):
    """Opens pages whose complaints on the console fail the test."""
    complaints, contexts = [], []

    def visit(program, path="/", **options):
        contexts.append(browser.new_context(base_url=f"http://127.0.0.1:{program.port}", **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(WAIT)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


@contextmanager
def updated(page):
    """Waits until the address has changed, and what is shown with it."""
    before = page.url
    with page.expect_response(lambda response: response.url != before and "/api/" not in response.url):
        yield
    page.wait_for_function("before => location.href !== before", arg=before)
    page.wait_for_function("() => !running")


def address(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


@pytest.mark.parametrize(
    ("theme", "width", "locale", "rules"), [("light", 1440, "en", LEVELS), ("dark", 390, "de", COLOURS)]
)
def test_each_page_is_accessible_in_both_themes(visit, demo, theme, width, locale, rules):
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
    page = visit(demo, color_scheme=theme, locale=locale, viewport={"width": width, "height": 900})
    for path in PATHS:
        page.goto(path)
        page.evaluate(axe)
        options = {"runOnly": rules, "resultTypes": ["violations"]}
        found = page.evaluate("options => axe.run(document, options)", options)["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == [], path
        assert page.locator("html").get_attribute("lang") == locale


def test_no_page_scrolls_sideways(visit, demo, nasty):
    for program in (demo, nasty):
        page = visit(program)
        for path in PATHS:
            page.goto(path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path, width)


def press_first(page, selector):
    found = page.locator(selector)
    if not found.count():
        return False
    with updated(page):
        found.first.click()
    return True


def operate(page):
    """Use one control of each kind, one after the other; yields when the page shows it."""
    yield press_first(page, "main button[aria-pressed=false]:not(#compare)")
    yield press_first(page, "#compare")
    yield press_first(page, "th[aria-sort] button")
    yield press_first(page, "th[aria-sort] button")
    if page.locator("main select").count():
        with updated(page):
            page.locator("main select").select_option(index=1)
        yield True
    if page.locator("main input[type=search]").count():
        with updated(page):
            page.locator("main input[type=search]").fill("web")
        yield True


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/", "/forecasts", "/collectors", "/setup")])
def test_the_address_has_the_state_of_each_control(visit, demo, path):
    page = visit(demo, path)
    used = 0
    for has_changed in operate(page):
        if not has_changed:
            continue
        used += 1
        other = visit(demo, page.url, locale="de" if path == "/workloads" else "en")
        here, there = page.evaluate(STATE), other.evaluate(STATE)
        other.context.close()  # an open page goes on bringing itself up to date
        if path == "/events":  # another one may have happened
            del here["rows"], there["rows"]
        if path == "/workloads":  # in another language kinds and headings have other names
            here["sorted"], there["sorted"] = len(here["sorted"]), len(there["sorted"])
        assert there == here, page.url
    assert used


def test_a_part_of_the_time_is_chosen_by_pointer_and_by_keys(visit, demo):
    page = visit(demo, "/history?range=1h")
    page.wait_for_selector("svg.chart")  # the page brings itself up to date when the first readings are kept
    box = page.locator("svg.chart").bounding_box()
    # From 36 minutes ago: the demo has a reading for each quarter of an hour before it was started.
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.97, box["y"] + 60)
    with updated(page):
        page.mouse.up()
    marked = address(page)
    assert "range" not in marked
    assert 600 < float(marked["to"]) - float(marked["from"]) < 2700
    assert page.locator("#ranges [aria-pressed=true]").count() == 0
    page.locator("figure").focus()
    with updated(page):
        page.keyboard.press("-")
    wider = address(page)
    assert float(wider["to"]) - float(wider["from"]) == pytest.approx(
        2 * (float(marked["to"]) - float(marked["from"])), abs=3
    )
    with updated(page):
        page.locator("#unzoom").click()
    assert address(page) == {}


STREAMS = """
    window.streams = [];
    window.loads = [];
    window.EventSource = class extends EventTarget {
        static OPEN = 1;
        readyState = 1;
        constructor(url) { super(); this.url = url; window.streams.push(this); }
        close() {}
    };
    const ask = window.fetch;
    window.fetch = (url, options) => { window.loads.push(url); return ask(url, options); };
"""
TOLD = "() => { streams[0].dispatchEvent(new MessageEvent('message')); return [...loads]; }"


def test_there_is_one_stream_for_all_pages_and_its_first_event_loads_nothing_again(visit, empty):
    page = visit(empty)
    page.add_init_script(STREAMS)
    for path in PATHS:
        page.goto(path)
        assert page.evaluate("streams.map((each) => each.url)") == ["/api/v1/live"]
        assert page.evaluate(TOLD) == []
        assert page.evaluate(TOLD) == [page.url]


def test_names_that_try_to_be_html_are_shown_as_they_are(visit, nasty):
    page = visit(nasty)
    for path in ("/", "/workloads", "/devices", "/collectors", "/history?series=nasty_vm_watts"):
        page.goto(path)
        text = page.locator("main").text_content()
        shown = [name.replace('"', r"\"") if path.startswith("/history") else name for name in EVIL]
        assert [name for name in shown if name not in text] == [], path
        assert page.locator("main b, main script").count() == 0
    page.goto("/setup")
    assert "no <b>x</b>" in page.locator("main").text_content()


def test_a_collector_that_hangs_and_thousands_of_series_hold_no_page_up(visit, nasty, eventually):
    eventually(lambda: "hung" in nasty.request("/collectors").text)
    page = visit(nasty)
    for path in PATHS:
        assert page.goto(path).status == 200
        assert page.locator("h1").count() == 1
    page.goto("/collectors")
    assert page.locator("#collector-hung").is_visible()
    assert re.search(r"5\d\d\d series", page.locator("#collector-nasty").text_content())
    assert page.goto("/history?series=nasty_many_watts").status == 200
    assert "nasty_many_watts{" in page.locator("main").text_content()
    assert "8 of 5000 shown" in page.locator("main").text_content()


def test_where_nothing_is_known_each_page_says_so(visit, empty):
    page = visit(empty)
    for path in PATHS:
        assert page.goto(path).status == 200
        assert page.locator("nav a").count() == len(PATHS)
        assert page.locator("nav a[aria-current=page]").get_attribute("href") == path
        assert len(page.locator("main").inner_text().splitlines()) > 1, path


def test_now_and_collectors_need_no_script(visit, demo, eventually):
    eventually(lambda: demo.request("/api/v1/energy/flow").json["nodes"])
    page = visit(demo, java_script_enabled=False)
    nodes = demo.request("/api/v1/energy/flow").json["nodes"]
    text = page.locator("main").text_content()
    assert [node["label"] for node in nodes if node["label"] not in text] == []
    page.goto("/collectors")
    names = [row["name"] for row in demo.request("/api/v1/collectors").json["collectors"]]
    assert [name for name in names if name not in page.locator("main").text_content()] == []


def test_the_theme_is_that_of_the_system_until_somebody_chooses(visit, demo):
    paper = "getComputedStyle(document.body).backgroundColor"
    dark, light = visit(demo, color_scheme="dark"), visit(demo, color_scheme="light")
    assert dark.evaluate(paper) != light.evaluate(paper)
    light.locator("#theme").click()
    assert light.evaluate(paper) == dark.evaluate(paper)
    assert visit(demo, light.url, color_scheme="light").evaluate(paper) == dark.evaluate(paper)
    light.locator("nav a[href='/history']").click()
    light.wait_for_url("**/history?theme=dark")


def test_the_policy_forbids_what_is_not_of_this_server(demo):
    policies = {demo.request(path).headers["Content-Security-Policy"] for path in PATHS}
    (policy,) = policies
    for directive in policy.split("; "):
        name, *sources = directive.split()
        assert set(sources) <= {"'self'", "'none'"} | ({"data:"} if name == "img-src" else set()), directive
