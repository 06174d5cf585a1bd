"""Lines are what the protocol says, also with the strangest labels; InfluxDB and VictoriaMetrics store them."""

import json
import os
import shutil
import time
import urllib.parse
import urllib.request
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import RecordsRefused, Series
from collector_plugins.influx import Influx
from collector_plugins.influx.lines import LineEncoder, _prefix
from tests.background import BackgroundServer, free_port
from tests.metric_stores import ask
from tests.sample_blocks import ENERGY, POWER, Runs, make_output

VALUES = {(POWER, "a"): 12.5, (ENERGY, "a"): 1e16}


def series(**labels):
    return Series("text", "probe_power_watts", labels, "gauge", "watts", "Power.", "probe")


def test_a_line_has_the_name_the_labels_one_value_and_milliseconds():
    (block,) = Runs(labels={"host": "blue fin,=1", "empty": ""}).blocks(1.2345, VALUES)
    assert LineEncoder().lines(block) == (
        "probe_power_watts,host=blue\\ fin\\,\\=1,plug=a value=12.5 1234\n"
        "probe_energy_joules_total,host=blue\\ fin\\,\\=1,plug=a value=1e+16 1234\n"
    )


@pytest.mark.parametrize("value", ["C:\\", "\\\\", "a\\", "a\n", "\\,"])
def test_a_backslash_at_the_end_or_a_line_feed_breaks_no_neighbour(value):
    line = _prefix(series(a=value, b="next"))
    assert line.endswith(",b=next value=")
    assert "\n" not in line
    assert "\\,b" not in line


TEXTS = st.text(max_size=10) | st.text("\\, =a\n", max_size=6)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), TEXTS, max_size=3))
def test_tags_can_be_told_apart_whatever_they_hold(labels):
    head, _, _ = _prefix(series(**labels)).rpartition(" value=")
    parts, escaped = [""], False
    for character in head:
        if character == "," and not escaped:
            parts.append("")
        else:
            parts[-1] += character
        escaped = character == "\\" and not escaped
    written = {name: value for name, value in labels.items() if value.rstrip("\\")}
    assert [part.partition("=")[0] for part in parts[1:]] == sorted(written)


@pytest.mark.parametrize(
    ("options", "path", "authorization"),
    [
        ({"version": 1, "database": "e"}, "/write?db=e&precision=ms", None),
        ({"bucket": "e f", "org": "o", "token": "t"}, "/api/v2/write?org=o&bucket=e+f&precision=ms", "Token t"),
        ({"version": 3, "database": "e", "token": "t"}, "/api/v3/write_lp?db=e&precision=millisecond", "Bearer t"),
    ],
)
def test_each_version_has_its_path(http_receiver, options, path, authorization):
    made = make_output(Influx, url=http_receiver.url, **options)
    runs = Runs()
    payloads = [made.encode_block(block) for second in (1, 2) for block in runs.blocks(second, VALUES)]
    made.send_payloads(payloads, may_repeat=False)
    made.close()
    (posted,) = http_receiver.posted
    assert (posted.path, posted.headers.get("Authorization")) == (path, authorization)
    first = zlib.decompressobj(wbits=31)  # of which some servers read no further
    assert len(first.decompress(posted.body).splitlines()) == 4
    assert not first.unused_data


@pytest.mark.parametrize(
    "options", [{}, {"version": 1}, {"version": 4, "database": "e"}, {"bucket": "b", "username": "u"}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError):
        Influx.config_type.model_validate({"url": "http://a"} | options)


@pytest.mark.parametrize("options", [{"version": 1, "database": "e"}, {"version": 2, "bucket": "e"}])
def test_victoria_metrics_stores_every_point(metric_store, eventually, options):
    base, _ = metric_store("victoria-metrics")
    host, now = f"influx {options['version']}\\", time.time() - 30
    made = make_output(Influx, url=base, **options)
    made.test()
    runs = Runs(labels={"host": host})
    payloads = [made.encode_block(block) for second in range(5) for block in runs.blocks(now + second, VALUES)]
    made.send_payloads(payloads, may_repeat=False)
    made.close()
    query = f'probe_power_watts_value{{host="{host.rstrip(chr(92))}",plug="a"}}[1m]'

    def stored():
        found = ask(base, query, now + 20)
        return found and len(found[0]["values"]) == 5

    eventually(stored)


class InfluxDb:
    """InfluxDB 1 from Debian, with one database, to which one user may write."""

    def __init__(self, folder):
        self.url = f"http://127.0.0.1:{free_port()}"
        own = {
            "HTTP_BIND_ADDRESS": self.url.removeprefix("http://"),
            "HTTP_AUTH_ENABLED": "true",
            "BIND_ADDRESS": f"127.0.0.1:{free_port()}",
            "META_DIR": f"{folder}/meta",
            "DATA_DIR": f"{folder}/data",
            "DATA_WAL_DIR": f"{folder}/wal",
            "REPORTING_DISABLED": "true",
        }
        environment = os.environ | {f"INFLUXDB_{name}": value for name, value in own.items()}
        self._server = BackgroundServer(("influxd", "-config", "/dev/null"), folder, env=environment)

    def ask(self, query, **parameters):
        text = urllib.parse.urlencode({"q": query, "u": "me", "p": "canary", **parameters})
        with urllib.request.urlopen(f"{self.url}/query?{text}", b"", timeout=30) as answer:
            (result,) = json.load(answer)["results"]
        return result.get("series", [])

    def is_there(self):
        try:
            self.ask("CREATE USER me WITH PASSWORD 'canary' WITH ALL PRIVILEGES")
            self.ask("CREATE DATABASE energy")
        except OSError:
            assert not self._server.has_ended()
            return False
        return True

    def close(self):
        self._server.stop()


@pytest.fixture
def influxdb(tmp_path, eventually):
    if shutil.which("influxd") is None:
        pytest.skip("influxdb is not installed")
    made = InfluxDb(tmp_path)
    eventually(made.is_there)
    yield made
    made.close()


# What it keeps of texts: backslashes before what must be escaped twice, lest they take the escape for their own.
STRANGE = {"a, b=c": "a, b=c", 'a "x"': 'a "x"', "C:\\dir": "C:\\dir", "\\,": "\\\\,", "ü€\\": "ü€"}


@pytest.mark.slow
def test_influxdb_stores_every_point_with_its_tags(influxdb):
    options = {"version": 1, "database": "energy", "username": "me"}
    made = make_output(Influx, url=influxdb.url, password="canary", timeout=60.0, **options)
    made.test()
    runs, values = Runs(), {(POWER, plug): number + 0.5 for number, plug in enumerate(STRANGE)}
    payloads = [made.encode_block(block) for second in range(5) for block in runs.blocks(100 + second, values)]
    made.send_payloads(payloads, may_repeat=False)
    made.send_payloads(payloads, may_repeat=True)
    made.close()
    found = influxdb.ask("SELECT value FROM probe_power_watts GROUP BY plug", db="energy", epoch="ms")
    assert {each["tags"]["plug"]: each["values"] for each in found} == {
        stored: [[1000 * (100 + second), number + 0.5] for second in range(5)]
        for number, stored in enumerate(STRANGE.values())
    }
    made = make_output(Influx, url=influxdb.url, password="wrong", timeout=60.0, **options)
    with pytest.raises(RecordsRefused, match="authorization failed") as refused:
        made.send_payloads(payloads, may_repeat=False)
    assert refused.value.status == 401
    made.close()
