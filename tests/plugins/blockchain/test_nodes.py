"""Nodes that are there, gone, late, stalled or behind, each on its own."""

import pytest

from collector_core import NotAvailable
from collector_plugins.blockchain import metrics
from tests.plugins.blockchain.fakechain import TRANSFER, FakeChain


def shown(harness, name):
    """Names of metrics that a node has."""
    return {metric.name for metric in metrics.ALL for key in harness.series(metric) if key[0] == name}


def test_what_the_node_says_of_itself(read, node, chain):
    chain.grow(100)
    node.node.final = 36
    harness = read(a=node)
    harness.clock.wall_time = int(chain.head["timestamp"], 16) + 5.5
    harness.run()
    assert harness.value(metrics.BLOCK_AGE, node="a") == 5.5
    assert harness.value(metrics.BLOCK_SIZE, node="a") == 600
    assert harness.value(metrics.MEMPOOL, node="a") == 7
    assert harness.value(metrics.MEMPOOL_QUEUED, node="a") == 2
    assert harness.value(metrics.PEERS, node="a") == 25
    assert harness.value(metrics.SYNCING, node="a") == 0
    assert harness.value(metrics.STALLED, node="a") == 0
    assert harness.value(metrics.FINALITY, node="a") == 64 * 12
    client = "Geth/v1.16.4-stable/linux-amd64/go1.25"
    assert list(harness.series(metrics.NODE_INFO)) == [("a", client, "1337")]


def test_what_the_node_does_not_offer_is_absent(read, node, chain):
    chain.grow(3)
    for method in ("net_peerCount", "txpool_status", "eth_getBlockTransactionCountByNumber", "eth_syncing"):
        del node.node.methods[method]
    harness = read(a=node)
    harness.run()
    for metric in (metrics.PEERS, metrics.MEMPOOL, metrics.MEMPOOL_QUEUED, metrics.SYNCING, metrics.FINALITY):
        assert harness.value(metric, node="a") is None
    assert harness.value(metrics.HEIGHT, node="a") == 3


def test_without_a_pool_the_pending_block_tells_how_many_wait(read, node, chain):
    chain.grow(3)
    del node.node.methods["txpool_status"]
    harness = read(a=node)
    harness.run()
    assert harness.value(metrics.MEMPOOL, node="a") == 5
    assert harness.value(metrics.MEMPOOL_QUEUED, node="a") is None


def test_nothing_is_final_while_the_genesis_is(read, node, chain):
    chain.grow(3)
    node.node.final = 0
    harness = read(a=node)
    harness.run()
    assert harness.value(metrics.FINALITY, node="a") is None


def test_a_node_that_takes_no_batches_is_asked_one_by_one(read, node, chain):
    chain.grow(3)
    node.node.takes_batches = False
    harness = read(a=node)
    harness.run()
    chain.grow(2, TRANSFER)
    harness.run(advance=24)
    assert harness.value(metrics.TRANSACTIONS, node="a") == 2


def test_one_node_down_costs_the_others_nothing_and_leaves_no_number_of_its_own(read, serve):
    one, other = serve(FakeChain()), serve(FakeChain())
    harness = read(one=one, other=other)
    harness.run()
    other.stop()
    harness.run(advance=5)
    assert harness.value(metrics.HEIGHT, node="one") == 0
    assert shown(harness, "other") == {"blockchain_node_up", "blockchain_node_unavailable_info"}
    assert harness.value(metrics.NODE_UP, node="other", source="evm") == 0
    assert list(harness.series(metrics.NODE_UNAVAILABLE)) == [("other", "evm", "unreachable")]
    (failure,) = harness.part_failures
    assert failure.name == "node=other"
    assert failure.error.fix


def test_the_last_node_that_goes_takes_its_numbers_along_and_then_the_run_fails(read, node):
    harness = read(a=node)
    harness.run()
    node.stop()
    harness.run(advance=5)
    assert shown(harness, "a") == {"blockchain_node_up", "blockchain_node_unavailable_info"}
    for _ in range(2):
        with pytest.raises(NotAvailable, match="^Connection refused$") as error:
            harness.run(advance=5)
        assert error.value.reason == "unreachable"
        assert "check that it runs" in error.value.fix


def test_nodes_that_were_never_there_fail_the_first_run(read):
    harness = read(**{name: {"url": "http://127.0.0.1:1"} for name in "abcde"})
    with pytest.raises(NotAvailable, match="a: .*; b: .*; c: .*; and 2 more"):
        harness.run()


def test_no_nodes_say_what_to_add(read):
    with pytest.raises(NotAvailable) as error:
        read().run()
    assert "nodes:" in error.value.fix


def test_a_node_that_was_gone_comes_back_with_its_counters_and_a_restart(read, node, chain):
    chain.grow(3)
    harness = read(a=node)
    harness.run()
    chain.grow(2, TRANSFER)
    harness.run(advance=24)
    node.stop()
    harness.run(advance=5)
    with pytest.raises(NotAvailable):
        harness.run(advance=5)
    chain.grow(1, TRANSFER)
    node.start()
    harness.run(advance=20)
    assert harness.value(metrics.NODE_UP, node="a", source="evm") == 1
    assert harness.value(metrics.TRANSACTIONS, node="a") == 3
    assert harness.value(metrics.RESTARTS, node="a") == 1
    assert harness.value(metrics.RESETS, node="a") == 0
    harness.run(advance=5)
    assert harness.value(metrics.RESTARTS, node="a") == 1


def test_a_node_that_comes_back_with_another_chain_has_started_anew_once(read, node, chain):
    chain.grow(3)
    harness = read(a=node)
    harness.run()
    node.stop()
    harness.run(advance=5)
    node.node.chain = FakeChain("anew")
    node.start()
    harness.run(advance=5)
    assert harness.value(metrics.RESTARTS, node="a") == 1
    assert harness.value(metrics.RESETS, node="a") == 1


def test_another_version_is_a_restart(read, node):
    harness = read(a=node)
    harness.run()
    node.node.methods["web3_clientVersion"] = "Geth/v1.16.5"
    harness.run(advance=5)
    assert harness.value(metrics.RESTARTS, node="a") == 1


def test_what_the_node_refuses_once_in_a_while_is_no_restart(read, node, chain):
    chain.grow(3)
    harness = read(a=node)
    harness.run()
    kept = dict(node.node.methods)
    node.node.methods = {}
    harness.run(advance=5)
    node.node.methods = kept
    harness.run(advance=5)
    assert harness.value(metrics.RESTARTS, node="a") == 0
    assert harness.value(metrics.RESETS, node="a") == 0


def test_whole_blocks_are_read_once(read, node, chain):
    chain.grow(10)
    harness = read(a=node)
    for _ in range(5):
        harness.run(advance=5)
    whole = [
        number for method, *params in node.node.asked for number, is_whole in [(*params, 0, 0)[:2]] if is_whole is True
    ]
    assert sorted(whole) == sorted(set(whole))


def test_a_slow_node_is_left_behind_and_the_others_are_shown(read, serve, chain):
    slow, quick = serve(FakeChain()), serve(FakeChain())
    slow.delay = 30
    harness = read(interval=0.5, slow=slow, quick=quick)
    harness.run()
    assert harness.value(metrics.HEIGHT, node="quick") == 0
    assert list(harness.series(metrics.NODE_UNAVAILABLE)) == [("slow", "evm", "timeout")]


def test_a_chain_that_stands_still_is_stalled_and_its_rates_fall(read, node, chain):
    chain.grow(30, TRANSFER)
    harness = read(a=node)
    harness.clock.wall_time = int(chain.head["timestamp"], 16)
    harness.run()
    rate = harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a")
    harness.run(advance=119)  # ten times the usual 12 s are 120 s
    assert harness.value(metrics.STALLED, node="a") == 0
    assert harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a") == rate == pytest.approx(1 / 12)
    harness.run(advance=2)
    assert harness.value(metrics.STALLED, node="a") == 1
    assert harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a") == 0
    assert harness.value(metrics.BLOCKS_PER_MINUTE, node="a") == 0
    assert harness.value(metrics.BLOCK_AGE, node="a") == 121
    chain.add(TRANSFER, seconds=125)
    harness.run(advance=5)
    assert harness.value(metrics.STALLED, node="a") == 0


def test_a_chain_that_stood_still_before_we_came_is_stalled_at_once(read, node, chain):
    chain.grow(5)
    harness = read(a={"url": node.http, "stalled_after": "2m"})
    harness.clock.wall_time = int(chain.head["timestamp"], 16) + 121
    harness.run()
    assert harness.value(metrics.STALLED, node="a") == 1


def test_a_node_that_catches_up_is_behind_but_not_stalled(read, node, chain):
    chain.grow(5)
    node.node.methods["eth_syncing"] = {"startingBlock": "0x0", "currentBlock": "0x5", "highestBlock": "0x3ed"}
    harness = read(a=node)
    harness.clock.wall_time = int(chain.head["timestamp"], 16) + 12_000
    harness.run()
    assert harness.value(metrics.SYNCING, node="a") == 1
    assert harness.value(metrics.STALLED, node="a") == 0
    assert harness.value(metrics.BLOCK_LAG, node="a") == 1000


def test_lag_is_against_the_highest_node_of_the_same_chain_only(read, serve):
    high, low, private = FakeChain(), FakeChain(), FakeChain("private")
    high.grow(9)
    low.blocks = high.blocks[:7]
    private.grow(3)
    harness = read(high=serve(high), low=serve(low), private=serve(private))
    harness.run()
    lags = {node: value for (node,), value in harness.series(metrics.BLOCK_LAG).items()}
    assert lags == {"high": 0, "low": 3}


def test_a_head_in_the_future_has_no_negative_age(read, node, chain):
    chain.grow(3)
    harness = read(a=node)
    harness.clock.wall_time = int(chain.head["timestamp"], 16) - 100
    harness.run()
    assert harness.value(metrics.BLOCK_AGE, node="a") == 0
