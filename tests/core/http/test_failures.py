"""No text repeats what may be secret, and no header of a server is believed beyond reason."""

import errno
import math
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import AuthFailed
from collector_core.http import failures

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:hunter2@heater.lan:8080/key?x=1#y", "heater.lan:8080"),
        ("https://heater.lan/key", "heater.lan"),
        ("http://[::1]:80/", "[::1]:80"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1", "the address"),
        ("http://heater:99999/", "the address"),
        ("heater/key", "the address"),
        ("", "the address"),
    ],
)
def test_host_and_port_are_all_that_is_shown_of_a_url(url, shown):
    assert failures.place(url) == shown


@given(st.text())
def test_any_url_has_a_place(url):
    assert failures.place(url)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("99999999999999", 999_999_999),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10),
        ("Mon, 01 Jan 1990 00:00:00 GMT", 0),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_time_to_come_back_is_a_number_or_a_date(text, seconds):
    assert failures.retry_after(text, NOW) == seconds


@given(st.text())
def test_whatever_a_server_sends_as_retry_after_is_a_time_or_nothing(text):
    seconds = failures.retry_after(text, NOW)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))


@given(st.integers(), st.text())
def test_every_status_has_a_meaning(status, text):
    error = failures.of_status("plug:80", status, {"Retry-After": text}, NOW)
    assert isinstance(error, AuthFailed) == (status in (401, 403, 407))
    assert str(error).startswith(f"plug:80 answers {status}")


@pytest.mark.parametrize(
    ("error", "reason", "text"),
    [
        (TimeoutError(), "timeout", "plug:80: no answer within 5 s"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "unreachable", "plug:80: Connection refused"),
        (ConnectionResetError(), "unreachable", "plug:80: ConnectionResetError"),
        (PermissionError(errno.EACCES, "x"), "permission", "plug:80: Permission denied"),
        (PermissionError(errno.EPERM, "x"), "permission", "plug:80: Operation not permitted"),
        (OSError(errno.EHOSTUNREACH, "x"), "unreachable", "plug:80: No route to host"),
        (ValueError("http://me:hunter2@plug"), "unreachable", "plug:80: ValueError"),
    ],
)
def test_every_exception_has_a_reason(error, reason, text):
    found = failures.of_error("plug:80", error, 5)
    assert (found.reason, str(found)) == (reason, text)


def test_an_output_whose_receiver_is_away_loads_no_web_framework():
    code = """
        import sys
        from collector_core import HttpSender, NotAvailable
        try:
            HttpSender("http://127.0.0.1:1/", timeout=5).post(b"", {})
        except NotAvailable as error:
            assert "refused" in str(error), error
        assert "aiohttp" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=120)
