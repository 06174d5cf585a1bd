"""Nodes that answer nonsense, too much, nothing, or a key of ours."""

import json
import logging

import pytest

from collector_core import AuthFailed, NotAvailable, reason_of
from collector_plugins.blockchain import metrics, sources
from tests.plugins.blockchain.fakechain import TRANSFER, FakeChain

KEY = "canary5f3a9"
INTERVAL = 5.0
every_transport = pytest.mark.parametrize("transport", ["http", "ws", "ipc"])


def altered(change):
    """Changes each answer, of a batch and to a single call."""

    def fault(answer):
        entries = json.loads(answer)
        changed = change(entries) if isinstance(entries, dict) else [change(dict(entry)) for entry in entries]
        return json.dumps(changed).encode()

    return fault


def with_block(**fields):
    """Changes each block."""

    def change(entry):
        block = entry.get("result")
        if isinstance(block, dict) and "parentHash" in block:
            entry["result"] = {**block, **fields}
        return entry

    return altered(change)


def failure(harness):
    with pytest.raises((NotAvailable, AuthFailed)) as caught:
        harness.run()
    assert len(str(caught.value)) < 400
    return caught.value


@every_transport
def test_blocks_come_over_every_transport(read, node, chain, transport):
    chain.grow(5)
    harness = read(a={"url": getattr(node, transport)})
    harness.run()
    chain.grow(30, *[TRANSFER] * 200)
    harness.run(advance=360)
    assert harness.value(metrics.TRANSACTIONS, node="a") == 6000
    assert harness.value(metrics.HEIGHT, node="a") == 35


@every_transport
@pytest.mark.parametrize(
    "fault",
    [
        lambda answer: b'{"jsonrpc": "2.0"}',
        lambda answer: b"[]",
        lambda answer: b"[1, 2, 3, 4, 5, 6, 7, 8, 9]",
        lambda answer: b"{}",
        altered(lambda entry: {**entry, "id": entry["id"] + 1}),
        altered(lambda entry: {**entry, "id": 1}),
        altered(lambda entry: {**entry, "id": str(entry["id"])}),
        altered(lambda entry: {"id": entry["id"]}),
        with_block(number="0xzz"),
        with_block(number=None),
        with_block(hash="0x12"),
        with_block(transactions={"0": 1}),
    ],
)
def test_nonsense_is_bad_data(read, node, transport, fault):
    node.fault = fault
    harness = read(a={"url": getattr(node, transport)})
    assert failure(harness).reason == "bad_data"
    node.heal()
    harness.run(advance=INTERVAL)
    assert harness.value(metrics.HEIGHT, node="a") == 0


@pytest.mark.parametrize("garbage", [b"<html>hello</html>", b"\xff\xfe", b"", b"[" * 100_000, b"NaN"])
@pytest.mark.parametrize("transport", ["http", "ws"])
def test_garbage_is_bad_data(read, node, transport, garbage):
    node.fault = lambda answer: garbage
    assert failure(read(a={"url": getattr(node, transport)})).reason == "bad_data"


@every_transport
def test_an_endless_answer_is_cut_off(read, node, transport, monkeypatch):
    monkeypatch.setattr(sources, "LONGEST_ANSWER", 1 << 20)
    node.fault = lambda answer: b"[" + b'"' + b" " * (2 << 20) + b'"]'
    error = failure(read(a={"url": getattr(node, transport)}))
    assert (error.reason, "longer than the limit of 1 MiB" in str(error)) == ("bad_data", True)


@every_transport
def test_a_connection_that_breaks_is_unreachable_and_made_anew(read, node, transport):
    harness = read(a={"url": getattr(node, transport)})
    node.hangs_up = True
    assert failure(harness).reason == "unreachable"
    node.heal()
    harness.run(advance=INTERVAL)
    assert harness.value(metrics.HEIGHT, node="a") == 0


@every_transport
def test_an_answer_that_comes_late_is_not_taken_for_that_to_the_next_question(read, node, chain, transport):
    chain.grow(5)
    harness = read(interval=0.5, timeout=0.5, a={"url": getattr(node, transport)})
    node.delay = 0.6
    assert failure(harness).reason == "timeout"
    node.heal()
    chain.grow(1)
    harness.run(advance=12)
    assert harness.value(metrics.HEIGHT, node="a") == 6


@pytest.mark.parametrize("transport", ["ws", "ipc"])
def test_notifications_in_between_are_passed_over(read, node, transport):
    node.before = b'{"jsonrpc": "2.0", "method": "eth_subscription", "params": {}}'
    harness = read(a={"url": getattr(node, transport)})
    harness.run()
    assert harness.value(metrics.HEIGHT, node="a") == 0


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "auth"), (403, "auth"), (404, "not_found"), (429, "unreachable"), (503, "unreachable"), (302, "bad_data")],
)
def test_an_http_status_has_a_reason(read, node, status, reason):
    node.status, node.headers = status, {"Location": "http://127.0.0.1:1/"}
    error = failure(read(a=node))
    assert (reason_of(error), str(status) in str(error)) == (reason, True)


def test_a_node_without_the_eth_api_is_not_supported(read, node):
    node.fault = altered(
        lambda entry: {**entry, "result": None, "error": {"code": -32601, "message": "no such method"}}
    )
    error = failure(read(a=node))
    assert error.reason == "not_supported"
    assert "no such method (code -32601)" in str(error)


def test_other_errors_of_the_node_are_told_apart(read, node):
    for code, reason in ((-32005, "unreachable"), (-32000, "bad_data")):
        node.fault = altered(lambda entry, code=code: {"id": entry["id"], "error": {"code": code, "message": "no"}})
        assert failure(read(a=node)).reason == reason


@every_transport
def test_a_connection_that_the_node_closed_while_idle_costs_no_run(read, node, chain, transport):
    chain.grow(3)
    harness = read(a={"url": getattr(node, transport)})
    harness.run()
    node.stop()
    node.start()
    harness.run(advance=5)
    assert harness.value(metrics.HEIGHT, node="a") == 3


def test_a_connection_that_ends_just_when_it_is_used_again_costs_no_run(read, node):
    harness = read(a=node)
    harness.run()
    node.hangs_up_once = True
    harness.run(advance=5)
    assert harness.value(metrics.HEIGHT, node="a") == 0


def test_blocks_that_were_not_asked_for_are_not_counted(read, node, chain):
    chain.grow(3)
    harness = read(a=node)
    harness.run()
    chain.grow(3)

    def other(entry):
        block = entry.get("result")
        if isinstance(block, dict) and block.get("number") == "0x5":
            entry["result"] = {**block, "number": "0x9"}
        return entry

    node.fault = altered(other)
    harness.run(advance=36)
    assert (harness.value(metrics.HEIGHT, node="a"), harness.part_failures) == (6, [])
    assert harness.value(metrics.SKIPPED_BLOCKS, node="a") == 0, "it may be shown yet"


def test_a_node_without_any_block_is_not_found(read, node):
    node.fault = altered(lambda entry: {**entry, "result": None})
    assert failure(read(a=node)).reason == "not_found"


def test_a_socket_that_is_not_there_is_a_node_that_does_not_run(read, tmp_path):
    assert failure(read(a={"url": f"ipc://{tmp_path}/nothing.ipc"})).reason == "unreachable"


def test_a_node_that_gives_hashes_where_whole_transactions_were_asked_tells_no_calls(read, node, chain):
    chain.grow(3, TRANSFER)
    node.node.whole = False
    harness = read(a=node)
    harness.run()
    assert harness.value(metrics.CONTRACT_EXECUTIONS, node="a") is None
    assert harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a") is not None


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (None, 401),
        (lambda answer: b"no", 200),
        (altered(lambda entry: {**entry, "error": {"code": 1, "message": f"unknown project {KEY}"}}), 200),
        (lambda answer: json.dumps({"error": {"code": 1, "message": f"bad key {KEY}"}}).encode(), 200),
    ],
)
def test_a_key_in_the_address_or_a_header_is_nowhere_to_be_seen(read, node, caplog, fault, status):
    caplog.set_level(logging.DEBUG, "collector")
    node.fault, node.status = fault, status
    urls = [f"{node.http}/v3/{KEY}", f"{node.http}/?apikey={KEY}", node.http.replace("//", f"//user:{KEY}@")]
    nodes = {f"n{index}": {"url": url} for index, url in enumerate(urls)}
    for harness in (
        read(**nodes),
        read(**{name: {"url": node.http, "headers": {"Authorization": f"Bearer {KEY}"}} for name in nodes}),
    ):
        error = failure(harness)
        assert KEY not in str(error) + error.fix + repr(harness.collector.config) + caplog.text
        assert KEY not in str(error.__cause__) + str(error.__context__)


def test_the_key_goes_to_the_node(read, node, chain):
    seen = []
    node.node.handle = lambda message, handle=node.node.handle: seen.append(message) or handle(message)
    chain.grow(1)
    read(a={"url": f"{node.http}/v3/{KEY}", "headers": {"X-Key": KEY}}).run()
    assert seen


def test_a_part_that_fails_says_no_key(read, serve):
    harness = read(good=serve(FakeChain()), bad={"url": f"http://127.0.0.1:1/{KEY}"})
    harness.run()
    assert KEY not in str(harness.part_failures[0].error)
    assert KEY not in harness.exposition()
