"""Requests are what the specification of remote write says, and servers that know it store what they say."""

import struct
import time
from dataclasses import replace

import pytest
from pydantic import ValidationError

from collector_core import NotAvailable, RecordsRefused
from collector_core.wire import as_bytes, decompress, read_fields
from collector_plugins.remote_write import RemoteWrite, version_1, version_2
from tests.metric_stores import ask
from tests.sample_blocks import ENERGY, HEAT, POWER, Runs, make_output

WRITTEN = {"X-Prometheus-Remote-Write-Samples-Written": "2"}
STALE = 0x7FF0000000000002
VALUES = {(POWER, "a"): 12.5, (ENERGY, "a"): 3600.0}


@pytest.fixture
def output(http_receiver):
    made = []

    def make(**options):
        made.append(make_output(RemoteWrite, url=f"{http_receiver.url}/api/v1/write", **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def fields(content):
    found = {}
    for number, value in read_fields(content):
        found.setdefault(number, []).append(value)
    return found


def read_version_1(body):
    """[(labels in their order, value's bits, milliseconds)]."""
    series = []
    for each in fields(decompress(body, 1 << 26)).get(1, []):
        parts = fields(each)
        labels = [tuple(as_bytes(text).decode() for _, text in read_fields(label)) for label in parts[1]]
        series += [(labels, *read_sample(sample)) for sample in parts[2]]
    return series


def read_sample(content):
    sample = fields(content)
    return struct.unpack("<Q", sample[1][0])[0], sample[2][0]


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def test_a_request_has_sorted_labels_and_the_time_of_the_run(output, http_receiver):
    made = output()
    (block,) = Runs(labels={"host": "bluefin", "empty": ""}).blocks(1700000000.1234, VALUES)
    made.send_payloads([made.encode_block(block)], may_repeat=False)
    (posted,) = http_receiver.posted
    assert posted.path == "/api/v1/write"
    assert posted.headers["Content-Type"] == "application/x-protobuf"
    assert posted.headers["Content-Encoding"] == "snappy"
    assert posted.headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
    assert posted.headers["User-Agent"]
    assert read_version_1(posted.body) == [
        ([("__name__", "probe_power_watts"), ("host", "bluefin"), ("plug", "a")], bits(12.5), 1700000000123),
        ([("__name__", "probe_energy_joules_total"), ("host", "bluefin"), ("plug", "a")], bits(3600), 1700000000123),
    ]


def test_several_runs_are_one_request_in_order(output, http_receiver):
    made, runs = output(), Runs()
    payloads = [made.encode_block(block) for second in range(5) for block in runs.blocks(second, VALUES)]
    made.send_payloads(payloads, may_repeat=False)
    (posted,) = http_receiver.posted
    assert [time for _, _, time in read_version_1(posted.body)] == [
        0,
        0,
        1000,
        1000,
        2000,
        2000,
        3000,
        3000,
        4000,
        4000,
    ]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_series_that_is_gone_gets_a_stale_marker(output, http_receiver, version):
    http_receiver.headers = WRITTEN
    made, runs = output(version=version), Runs(takes_ends=True)
    runs.blocks(1, VALUES)
    _, ended = runs.blocks(2, {(POWER, "a"): 1.0})
    payload = made.encode_block(ended)
    ((labels, value, milliseconds),) = read_version_1(
        version_2.as_version_1(payload)[1:] if version == "2.0" else payload[1:]
    )
    assert (labels[0], value, milliseconds) == (("__name__", "probe_energy_joules_total"), STALE, 2000)


def test_version_2_says_type_help_unit_and_when_counters_began(output, http_receiver):
    http_receiver.headers = WRITTEN
    made = output(version="2.0")
    (block,) = Runs().blocks(10, VALUES)
    made.send_payloads([made.encode_block(block)], may_repeat=False)
    (posted,) = http_receiver.posted
    assert posted.headers["Content-Type"] == "application/x-protobuf;proto=io.prometheus.write.v2.Request"
    assert posted.headers["X-Prometheus-Remote-Write-Version"] == "2.0.0"
    request = fields(decompress(posted.body, 1 << 20))
    symbols = [text.decode() for text in request[4]]
    assert symbols[0] == ""
    power, energy = map(fields, request[5])
    assert [symbols[place] for place in power[1][0]] == ["__name__", "probe_power_watts", "plug", "a"]
    metadata = fields(energy[5][0])
    assert (metadata[1], symbols[metadata[3][0]], symbols[metadata[4][0]]) == ([1], "Energy of a plug.", "joules")
    assert fields(power[5][0])[1] == [2]
    assert abs(energy[6][0] / 1000 - version_2.process_start()) < 1
    assert fields(energy[2][0])[3] == energy[6]
    assert 6 not in power


def test_the_counters_of_a_killed_process_did_not_begin_with_this_one(output):
    (block,) = Runs().blocks(10, VALUES)
    payload = output(version="2.0").encode_block(replace(block, is_recovered=True))
    energy = fields(fields(decompress(version_2.body_of(payload), 1 << 20))[5][1])
    assert 6 not in energy
    assert set(fields(energy[2][0])) == {1, 2}


def test_a_server_that_stores_nothing_of_version_2_gets_version_1_at_once_and_from_then_on(
    output,
    http_receiver,
):
    made, runs = output(version="2.0"), Runs()
    first, second = (made.encode_block(block) for time in (1, 2) for block in runs.blocks(time, VALUES))
    made.send_payloads([first], may_repeat=False)
    made.send_payloads([second], may_repeat=False)
    assert [posted.headers["X-Prometheus-Remote-Write-Version"] for posted in http_receiver.posted] == [
        "2.0.0",
        "0.1.0",
        "0.1.0",
    ]
    assert read_version_1(http_receiver.posted[1].body) == read_version_1(version_2.as_version_1(first)[1:])
    (block,) = runs.blocks(3, VALUES)
    assert made.encode_block(block).startswith(version_1.TAG)


def test_a_server_that_refuses_the_type_of_version_2_gets_version_1(output, http_receiver):
    http_receiver.answers.append((415, {}, b"no"))
    made = output(version="2.0")
    (block,) = Runs().blocks(1, VALUES)
    made.send_payloads([made.encode_block(block)], may_repeat=False)
    assert len(http_receiver.posted) == 2


@pytest.mark.parametrize(
    ("status", "written", "refused"), [(400, "1", 1), (400, "0", 2), (200, "1", 1), (400, None, None)]
)
def test_samples_of_version_2_that_a_server_has_not_written_are_refused(
    output, http_receiver, status, written, refused
):
    said = {} if written is None else {"X-Prometheus-Remote-Write-Samples-Written": written}
    http_receiver.answers.append((status, said, b"out of order"))
    made = output(version="2.0")
    (block,) = Runs().blocks(1, VALUES)
    with pytest.raises(RecordsRefused) as failed:
        made.send_payloads([made.encode_block(block)], may_repeat=False)
    assert failed.value.count == refused
    assert len(http_receiver.posted) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 413])
def test_what_is_refused_for_good_says_the_servers_words(output, http_receiver, status):
    http_receiver.answers.append((status, {}, b"out of\nbounds"))
    with pytest.raises(RecordsRefused, match=rf"{status} .*: out of bounds") as refused:
        output().test()
    assert refused.value.count is None


@pytest.mark.parametrize("status", [408, 429, 500, 503, 302])
def test_what_may_pass_is_tried_again_when_the_server_says(output, http_receiver, status):
    http_receiver.answers.append((status, {"Retry-After": "7"}, b""))
    with pytest.raises(NotAvailable) as failed:
        output().test()
    assert failed.value.retry_after == 7


def test_a_connection_that_the_server_has_closed_is_opened_again(output, http_receiver):
    http_receiver.headers = {"Connection": "close"}
    made = output()
    made.test()
    made.test()
    assert len(http_receiver.posted) == 2


def test_a_request_that_hangs_ends_when_it_is_cancelled(output, http_receiver, eventually):
    import threading

    http_receiver.gate.clear()
    made, raised = output(timeout=60.0), []

    def call():
        try:
            made.test()
        except NotAvailable as error:
            raised.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    eventually(lambda: http_receiver.posted)
    made.cancel()
    thread.join(60)
    assert raised


def test_passwords_and_headers_are_sent_and_not_shown(output, http_receiver):
    made = output(username="me", password="canary", headers={"X-Scope-OrgID": "home"})
    made.test()
    headers = http_receiver.posted[0].headers
    assert headers["Authorization"] == "Basic bWU6Y2FuYXJ5"
    assert headers["X-Scope-OrgID"] == "home"
    assert "canary" not in repr(made.config)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://a/b"},
        {"url": "a.lan/write"},
        {"url": "http://u:p@a/b"},
        {"url": "http://a/b", "version": "3"},
        {"url": "http://a/b", "username": "me"},
        {"url": "http://a/b", "bearer_token": "t", "username": "me", "password": "p"},
        {},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError) as wrong:
        RemoteWrite.config_type.model_validate(options)
    assert "u:p" not in str(wrong.value)


SERVERS = ["prometheus", "victoria-metrics", "newest prometheus", "newest victoria-metrics"]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_real_servers_store_every_sample_and_its_end(server, version, metric_store, eventually):
    base, write = metric_store(server)
    now, host = time.time() - 30, f"{server}-{version}"
    made = make_output(RemoteWrite, url=base + write, version=version)
    made._version_2 = version_2.Encoder(now - 60)  # these samples are older than the process of the tests may be
    made.test()
    runs = Runs(takes_ends=True, labels={"host": host})
    payloads = []
    for second in range(10):
        payloads += map(made.encode_block, runs.blocks(now + second, VALUES | {(HEAT, "a"): second}))
    payloads += map(made.encode_block, runs.blocks(now + 10, VALUES))
    for payload in payloads:
        made.send_payloads([payload], may_repeat=False)
    made.close()

    def stored():
        found = ask(base, f'probe_heat_celsius{{host="{host}"}}[5m]', now + 60)
        return found and [float(value) for _, value in found[0]["values"]]

    eventually(lambda: (stored() or [])[:10] == list(map(float, range(10))))
    eventually(lambda: not ask(base, f'probe_heat_celsius{{host="{host}"}}', now + 12))


def test_a_real_server_understands_types_units_and_when_counters_began(metric_store, eventually):
    base, write = metric_store("newest prometheus")
    start = int(time.time()) - 60
    made = make_output(RemoteWrite, url=base + write, version="2.0")
    made._version_2 = version_2.Encoder(start)
    for second in (30, 31):
        (block,) = Runs(labels={"host": "typed"}).blocks(start + second, VALUES)
        made.send_payloads([made.encode_block(block)], may_repeat=False)
    made.close()
    assert made._receiver.takes_version_2

    def stored():
        found = ask(base, '{__name__=~"probe_.*",host="typed"}[2m]', start + 60)
        return {each["metric"]["__name__"]: each for each in found}

    eventually(lambda: len(stored()) == 2)
    energy, power = (stored()[name] for name in ("probe_energy_joules_total", "probe_power_watts"))
    assert (energy["metric"]["__type__"], energy["metric"]["__unit__"]) == ("counter", "joules")
    assert (power["metric"]["__type__"], power["metric"]["__unit__"]) == ("gauge", "watts")
    assert energy["values"] == [[start, "0"], [start + 30, "3600"], [start + 31, "3600"]]
    assert power["values"] == [[start + 30, "12.5"], [start + 31, "12.5"]]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_batch_that_had_arrived_before_its_answer_was_lost_is_not_taken_for_refused(server, version, metric_store):
    base, write = metric_store(server)
    made, runs, now = make_output(RemoteWrite, url=base + write, version=version), Runs(), time.time() - 10
    values = {(POWER, f"again {server} {version}"): 1.0}
    payloads = [made.encode_block(block) for second in range(5) for block in runs.blocks(now + second, values)]
    batches = [payloads] if version == "1.0" else [[payload] for payload in payloads]
    for may_repeat in (False, True):
        for batch in batches:
            made.send_payloads(batch, may_repeat=may_repeat)
    made.close()


def test_only_what_may_have_arrived_is_taken_for_that(output, http_receiver):
    made = output()
    for words, may_repeat in ((b"out of order sample", False), (b"out of bounds", True)):
        http_receiver.answers.append((400, {}, words))
        with pytest.raises(RecordsRefused):
            made.send_payloads([version_1.EMPTY], may_repeat=may_repeat)
