"""Nodes that are read from their own metrics, and nodes that post."""

import asyncio
import json
import logging
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import Context, NotAvailable
from collector_core.testing import FakeClock, serve_routes
from collector_plugins.blockchain import Blockchain, metrics
from collector_plugins.blockchain.config import Config, PushNode
from collector_plugins.blockchain.pushed import Posted, Pushed

PAGE = b"""
chain_head_block 120
txpool_pending{pool="legacy"} 40
txpool_pending{pool="blob"} 2
chain_execution_milliseconds 250
txs_total 1000
process_start_time_seconds 1.7e9
"""
TABLE = {
    "block_height": "chain_head_block",
    "mempool_transactions": "txpool_pending",
    "contract_execution_seconds": {"series": "chain_execution_milliseconds", "scale": 0.001},
    "transactions_total": "txs_total",
    "transactions_per_second": {"series": "txs_total", "rate": True},
    "peers": "p2p_peers",
}


def mapped(node, **more):
    return {"source": "prometheus", "url": f"{node.http}/metrics", "metrics": TABLE, **more}


def test_a_page_is_mapped_by_the_table(read, node):
    node.page = PAGE
    harness = read(a=mapped(node, consensus="proof_of_authority"))
    harness.run()
    assert harness.value(metrics.HEIGHT, node="a") == 120
    assert harness.value(metrics.MEMPOOL, node="a") == 42
    assert harness.value(metrics.CONTRACT_SECONDS, node="a") == 0.25
    assert harness.value(metrics.TRANSACTIONS, node="a") == 1000
    assert harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a") is None, "one look tells no rate"
    assert harness.value(metrics.PEERS, node="a") is None
    assert list(harness.series(metrics.CONSENSUS_INFO)) == [("a", "proof_of_authority")]
    node.page = PAGE.replace(b"1000", b"1050")
    harness.run(advance=10)
    assert harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a") == 5


def test_a_counter_that_begins_anew_goes_on_and_is_a_restart(read, node):
    harness = read(a=mapped(node))
    for transactions in (b"980", b"1000"):
        node.page = PAGE.replace(b"1000", transactions)
        harness.run(advance=10)
    for transactions, rate in ((b"10", None), (b"30", 30 / 20)):
        node.page = PAGE.replace(b"1000", transactions).replace(b"1.7e9", b"1.70001e9")
        harness.run(advance=10)
        assert harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a") == rate
    assert harness.value(metrics.TRANSACTIONS, node="a") == 1030
    assert harness.value(metrics.RESTARTS, node="a") == 1


def test_a_counter_that_is_0_once_adds_nothing_and_has_no_rate_then(read, node):
    harness = read(a=mapped(node))
    rates = []
    for transactions in (b"1000", b"1020", b"0", b"1060"):
        node.page = PAGE.replace(b"1000", transactions)
        harness.run(advance=10)
        rates.append(harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a"))
    assert harness.value(metrics.TRANSACTIONS, node="a") == 1060
    assert rates == [None, 2, None, 2]


def test_a_page_that_is_gone_for_a_while_from_a_process_that_ran_on_is_no_restart(read, node):
    node.page = PAGE
    harness = read(a=mapped(node))
    harness.run()
    node.stop()
    harness.run(advance=5)
    node.start()
    harness.run(advance=5)
    assert harness.value(metrics.RESTARTS, node="a") == 0


def test_a_page_without_a_start_time_is_a_restart_when_nothing_had_listened(read, node):
    node.page = PAGE.replace(b"process_start", b"x")
    harness = read(a=mapped(node))
    harness.run()
    node.stop()
    harness.run(advance=5)
    node.start()
    harness.run(advance=5)
    assert harness.value(metrics.RESTARTS, node="a") == 1


@pytest.mark.parametrize(
    ("page", "reason"), [(b"", "bad_data"), (b"other 1\n", "not_found"), (b"chain_head_block x\n", "bad_data")]
)
def test_a_page_without_what_the_table_names_is_refused(read, node, page, reason):
    node.page = page
    with pytest.raises(NotAvailable) as error:
        read(a=mapped(node)).run()
    assert error.value.reason == reason


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "at least 1"),
        ({"hight": "x"}, "'hight' is none of"),
        ({"block_height": "x{"}, "is no series"),
        ({"block_height": ""}, "at least 1"),
        ({"transactions_total": {"series": "x", "rate": True}}, "is a counter"),
        ({"node_up": "x"}, "is none of"),
        ({"block_height": {"series": "x", "scale": 0}}, "greater than 0"),
    ],
)
def test_a_table_that_cannot_be_is_refused(read, table, message):
    with pytest.raises(ValueError, match=message):
        read(a={"source": "prometheus", "url": "http://127.0.0.1:1/metrics", "metrics": table})


@pytest.mark.parametrize("url", ["gopher://x", "127.0.0.1:8545", "http://", "ipc://", "http://[canary", "http://a b"])
def test_an_address_that_is_none_is_refused_without_repeating_it(read, url):
    with pytest.raises(ValueError, match="must begin with|is not an address|printable") as error:
        read(a={"url": url})
    assert "canary" not in str(error.value)


def test_a_series_that_cannot_be_read_is_absent_and_the_others_are_there(read, node):
    node.page = PAGE.replace(b"120", b"tall") + b'txpool_pending{pool="x"} ?\n'
    harness = read(a=mapped(node))
    harness.run()
    assert harness.value(metrics.TRANSACTIONS, node="a") == 1000
    assert harness.value(metrics.HEIGHT, node="a") is None
    assert harness.value(metrics.MEMPOOL, node="a") is None, "a part of a sum is not the sum"


def test_what_is_negative_is_absent(read, node):
    node.page = PAGE.replace(b"block 120", b"block -1").replace(b"total 1000", b"total -1")
    harness = read(a=mapped(node))
    harness.run()
    assert harness.value(metrics.HEIGHT, node="a") is None
    assert harness.value(metrics.TRANSACTIONS, node="a") is None
    assert harness.value(metrics.MEMPOOL, node="a") == 42


def test_a_page_that_is_too_long_names_the_limit(read, node):
    node.page = b"#" * (2 << 20)
    with pytest.raises(NotAvailable, match="longer than the limit of 1 MiB") as error:
        read(a=mapped(node), options={"max_page_mib": 1}).run()
    assert error.value.fix == "raise `max_page_mib`"


def test_a_page_behind_a_redirect_to_the_same_place_is_read(read, node):
    node.page, node.moved_to = PAGE, "/metrics/"
    harness = read(a=mapped(node))
    harness.run()
    assert harness.value(metrics.HEIGHT, node="a") == 120


def test_two_nodes_of_one_name_are_refused(read):
    node = {"name": "a", "source": "push"}
    with pytest.raises(ValueError, match="two nodes are called 'a'"):
        Config(nodes=[node, node])


POSTED = {
    "transactions_per_second": 12.5,
    "transactions_total": 100,
    "transaction_validation_seconds": 0.002,
    "block_height": 55,
    "stalled": False,
    "syncing": True,
    "consensus_messages_per_second": 80,
    "consensus_participation_ratio": 0.97,
    "consensus_algorithm": "tendermint",
    "contract_calls_total": {"mint": 3},
    "wasm_load_seconds": 0.01,
    "quantum_resistant_overhead_ratio": 2.5,
}


@pytest.fixture
def post():
    """Posts to a collector's own routes: `post(harness, name, document)` returns status and answer."""

    async def send(harness, name, document):
        async with (
            serve_routes(harness.collector.collector_routes()) as session,
            session.post(f"/api/v1/push/blockchain/{name}", json=document) as answer,
        ):
            return answer.status, await answer.json()

    return lambda *arguments: asyncio.run(send(*arguments))


@pytest.fixture
def pushed(read):
    return read(a={"source": "push"}, b={"source": "push"}, options={"push": {"expires_after": "60s"}})


def test_what_a_node_posts_is_shown_until_it_expires(pushed, post):
    assert post(pushed, "a", POSTED)[0] == 202
    pushed.run()
    assert pushed.value(metrics.TRANSACTIONS_PER_SECOND, node="a") == 12.5
    assert pushed.value(metrics.VALIDATION, node="a") == 0.002
    assert pushed.value(metrics.SYNCING, node="a") == 1
    assert pushed.value(metrics.CONSENSUS_MESSAGES, node="a") == 80
    assert pushed.value(metrics.CONSENSUS_PARTICIPATION, node="a") == 0.97
    assert pushed.value(metrics.CONTRACT_CALLS, node="a", function="mint") == 3
    assert pushed.value(metrics.WASM_LOAD, node="a") == 0.01
    assert pushed.value(metrics.QUANTUM_OVERHEAD, node="a") == 2.5
    assert pushed.value(metrics.CONSENSUS_INFO, node="a", algorithm="tendermint") == 1
    assert [failure.name for failure in pushed.part_failures] == ["node=b"]
    pushed.run(advance=61)
    assert pushed.value(metrics.TRANSACTIONS_PER_SECOND, node="a") is None
    with pytest.raises(NotAvailable, match="posted nothing") as error:
        pushed.run(advance=5)
    assert "/api/v1/push/blockchain/a" in error.value.fix


def test_posted_counters_that_begin_anew_go_on(pushed, post):
    for transactions, calls in ((100, 30), (110, 33), (5, 1), (5, 1), (8, 2)):
        post(pushed, "a", {"transactions_total": transactions, "contract_calls_total": {"mint": calls}})
        pushed.run(advance=5)
    assert pushed.value(metrics.TRANSACTIONS, node="a") == 118
    assert pushed.value(metrics.CONTRACT_CALLS, node="a", function="mint") == 35


def test_the_same_document_posted_twice_counts_once(pushed, post):
    for _ in range(3):
        post(pushed, "a", {"transactions_total": 1000, "contract_calls_total": {"mint": 7}})
        pushed.run(advance=5)
    assert pushed.value(metrics.TRANSACTIONS, node="a") == 1000
    assert pushed.value(metrics.CONTRACT_CALLS, node="a", function="mint") == 7


NUMBERS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just({}))


@given(
    st.dictionaries(
        st.sampled_from([*sorted(Posted.model_fields), "contract_calls", "other"]),
        NUMBERS | st.dictionaries(st.text(max_size=5), NUMBERS, max_size=3),
    )
)
def test_any_document_is_numbers_that_may_be_published_or_refused(document):
    try:
        posted = Posted.model_validate(document)
    except ValidationError:
        return
    node = PushNode(name="a", source="push")
    answer = asyncio.run(Pushed(node, lambda: {"a": posted}, FakeClock()).read())
    assert all(isfinite(value) and value >= 0 for value in [*answer.values.values(), *answer.calls.values()])


def test_a_posted_counter_that_is_0_once_adds_nothing(pushed, post):
    for transactions in (1000, 1010, 0, 1030):
        post(pushed, "a", {"transactions_total": transactions})
        pushed.run(advance=5)
    assert pushed.value(metrics.TRANSACTIONS, node="a") == 1030


@pytest.mark.parametrize("name", ["contract_calls", "contract_calls_total"])
@pytest.mark.parametrize(("calls", "shown"), [({"mint": 3, "burn": 1}, {"mint": 3, "burn": 1}), (12, {"other": 12})])
def test_contract_calls_are_posted_by_function_or_as_one_number(pushed, post, name, calls, shown):
    assert post(pushed, "a", {name: calls})[0] == 202
    pushed.run()
    assert {function: value for (_, function), value in pushed.series(metrics.CONTRACT_CALLS).items()} == shown


def test_a_post_wakes_the_collector():
    woken = []
    context = Context(name="blockchain", logger=logging.getLogger("test"), wake=lambda: woken.append(1))
    config = Config.model_validate({"nodes": [{"name": "a", "source": "push"}]})
    Blockchain(config, context)._inbox.put("a", b'{"block_height": 1}')
    assert woken == [1]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"block_hight": 1}, "block_hight"),
        ({"block_height": -1}, "block_height"),
        ({"consensus_participation_ratio": 97}, "consensus_participation_ratio"),
        ({"contract_calls_total": {f"f{n}": 1 for n in range(101)}}, "contract_calls_total"),
        ({"consensus_algorithm": "a b"}, "consensus_algorithm"),
    ],
)
def test_a_document_that_is_wrong_is_refused_with_its_field(pushed, post, document, field):
    status, answer = post(pushed, "a", document)
    assert (status, answer["field"]) == (400, field)


def test_only_nodes_of_the_configuration_may_post(pushed, post, read, node):
    assert post(pushed, "stranger", {})[0] == 404
    assert not list(read(a=node).collector.collector_routes())


def test_ever_new_function_names_stay_bounded(pushed, post):
    for batch in range(3):
        calls = {f"f{batch}-{number}": 1 for number in range(80)}
        assert post(pushed, "a", json.loads(json.dumps({"contract_calls_total": calls})))[0] == 202
        pushed.run(advance=1)
    assert len(pushed.series(metrics.CONTRACT_CALLS)) <= 100
