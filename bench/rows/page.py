"""The page in Chromium: when something is seen and can be used, a month of a series, and what open pages cost."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.effort import Effort
from bench.figures import Figure, Goal, MissingProgramError
from bench.processes import Process
from bench.programs import free_port, installed

PAGES = 20
MONTH_MINUTES = 30 * 24 * 60
SERIES = "bench_month_watts"
COMMAND = str(Path(sys.executable).with_name("energy-collector"))
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
READY = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
DRAWN = """async () => {
  const start = performance.now();
  await refresh(true);
  document.querySelector("svg.chart").getBoundingClientRect();
  return performance.now() - start;
}"""


def measure(effort: Effort) -> list[Figure]:
    """Times in milliseconds with a cold cache, percent of a core and memory for 20 pages that are open."""
    with TemporaryDirectory(prefix="bench-") as folder, _running(Path(folder)) as (process, port):
        with _browser() as browser:
            times = [_first_visit(browser, port) for _ in range(effort.pairs)]
            drawn = _month(browser, port, effort.pairs)
        before = process.rss_bytes()
        alone = _percent(process, effort.idle_seconds)
        with _open_pages(port):
            looked_at = _percent(process, effort.idle_seconds)
            more = (process.rss_bytes() - before) / 2**20
    paint, ready = zip(*times, strict=True)
    note = "the demo on loopback, Chromium without a GPU"
    return [
        Figure("page", "First paint of Now, cold", "ms", paint, goal=Goal(300, 150), note=note),
        Figure("page", "Now can be used, cold", "ms", ready, goal=Goal(500, 250)),
        Figure("page", "A month of one series at 1 min, asked for and drawn", "ms", drawn, goal=Goal(150, 75)),
        Figure("page", f"{PAGES} open pages", "% of a core", [looked_at - alone], goal=Goal(2, 1)),
        Figure("page", f"Memory of {PAGES} open pages", "MiB", [more], goal=Goal(5, 2)),
    ]


@contextmanager
def _running(folder: Path) -> Iterator[tuple[Process, int]]:
    """The demo with a month of one more series in its history."""
    port, environment = free_port(), {"XDG_STATE_HOME": str(folder)}
    month = folder / "month.csv"
    month.write_text("\n".join(["time,series,value", *_rows()]), encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(f"history: {{path: {folder}/energy-collector/history-demo}}\n", encoding="utf-8")
    subprocess.run([COMMAND, "history", "import", "--config", str(config), str(month)], check=True)
    with Process([COMMAND, "run", "--demo", "--listen", f"127.0.0.1:{port}"], environment) as process:
        _wait_for(lambda: b"svg" in _get(port, f"/history?series={SERIES}&range=30d"))
        _wait_for(lambda: b'class="flow' in _get(port, "/"))
        yield process, port


def _rows() -> Iterator[str]:
    begin = int(time.time()) // 60 * 60 - MONTH_MINUTES * 60
    for minute in range(MONTH_MINUTES):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + minute * 60))
        yield f"{when},{SERIES},{100 + minute * 7919 % 101}"


def _wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the page does not come")


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


@contextmanager
def _browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the developers' packages
    except ImportError:
        raise MissingProgramError("playwright is not installed") from None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=installed("chromium"), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def _first_visit(browser: Any, port: int) -> tuple[float, float]:
    """When something was painted and when the page could be used, by a browser that has seen nothing of it."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    _wait_for(lambda: bool(page.evaluate(PAINT)))  # the page's policy keeps Playwright's own waiting out
    found = page.evaluate(PAINT), page.evaluate(READY)
    context.close()
    return found


def _month(browser: Any, port: int, times: int) -> list[float]:
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/history?series={SERIES}&range=30d")
    found = []
    for _ in range(times):
        time.sleep(1.5)  # the last answer would be given again
        found.append(page.evaluate(DRAWN))
    page.close()
    return found


@contextmanager
def _open_pages(port: int) -> Iterator[None]:
    """Clients that do what an open page does: wait for an event, and load the page."""
    ended = threading.Event()
    threads = [threading.Thread(target=_look_at, args=(port, ended)) for _ in range(PAGES)]
    for thread in threads:
        thread.start()
    time.sleep(5)
    yield
    ended.set()
    for thread in threads:
        thread.join()


def _look_at(port: int, ended: threading.Event) -> None:
    stream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    page = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    stream.request("GET", "/api/v1/live")
    lines = stream.getresponse()
    while not ended.is_set():
        if lines.readline().startswith(b"data:"):
            page.request("GET", "/", headers={"Accept-Encoding": "gzip"})
            page.getresponse().read()
    stream.close()
    page.close()


def _percent(process: Process, seconds: int) -> float:
    """The median of three windows."""
    return median(_window(process, seconds / 3) for _ in range(3))


def _window(process: Process, seconds: float) -> float:
    start, before = time.perf_counter(), process.cpu_seconds()
    time.sleep(seconds)
    return (process.cpu_seconds() - before) / (time.perf_counter() - start) * 100
