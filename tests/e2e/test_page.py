"""The status page as a browser shows it, in light and dark, on a desk and in a hand."""

import re
import subprocess

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=2000",
)
BROKEN = "raise RuntimeError('<script>alert(1)</script>')"


@pytest.fixture
def browser(require, tmp_path):
    chromium = require("chromium")

    def browse(*arguments):
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout

    return browse


def test_the_page_names_every_collector_its_trouble_and_its_fix(collector, browser, plugin_path):
    program = collector(None, env=plugin_path(torn=BROKEN))
    dom = browser("--dump-dom", f"http://127.0.0.1:{program.port}/")
    for name in ("rapl", "system", "torn"):
        assert f'id="collector-{name}"' in dom
    assert re.search(r"\d+ series</summary>", dom)
    assert "<script>alert" not in dom
    assert "&lt;script&gt;alert(1)" in dom


@pytest.mark.parametrize(
    ("size", "scheme"), [("1200,900", "light"), ("390,844", "dark")], ids=["desk-light", "phone-dark"]
)
def test_the_page_can_be_looked_at(collector, browser, tmp_path, size, scheme):
    program = collector()
    picture = tmp_path / "page.png"
    dark = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0") if scheme == "dark" else ()
    browser(*dark, f"--window-size={size}", f"--screenshot={picture}", f"http://127.0.0.1:{program.port}/")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000
