"""What is counted on a chain, whatever happens to its newest blocks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.block import parse_block
from collector_plugins.blockchain.chain import KEPT_BLOCKS, Chain
from collector_plugins.blockchain.follower import Follower
from tests.plugins.blockchain.fakechain import CREATE, TRANSFER, FakeChain, call


def transactions(harness, node="a"):
    return harness.value(metrics.TRANSACTIONS, node=node)


def test_transactions_count_from_the_start_on(read, node, chain):
    chain.grow(10, TRANSFER)
    harness = read(a=node)
    harness.run()
    assert harness.value(metrics.HEIGHT, node="a") == 10
    assert transactions(harness) == 0
    chain.grow(3, TRANSFER, TRANSFER)
    harness.run(advance=36)
    assert transactions(harness) == 6
    assert harness.value(metrics.GAS, node="a") == 6 * 21_000


def test_the_rate_is_that_of_whole_blocks_by_their_timestamps(read, node, chain):
    chain.grow(20)
    chain.grow(5, TRANSFER, TRANSFER, TRANSFER)  # 60 s, the window
    harness = read(a=node)
    harness.clock.wall_time = int(chain.head["timestamp"], 16) + 7
    harness.run()
    assert harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a") == pytest.approx(15 / 60)
    assert harness.value(metrics.BLOCKS_PER_MINUTE, node="a") == pytest.approx(5)


def test_the_first_look_reads_no_further_back_than_the_window(read, node, chain):
    chain.grow(100)
    read(a=node).run()
    numbers = {int(tag, 16) for method, tag, *_ in map(pad, node.node.asked) if tag.startswith("0x")}
    assert min(numbers - {0}) >= 100 - 10


def pad(asked):
    return (*asked, "", "") if isinstance(asked, tuple) else (asked, "", "")


def test_calls_are_counted_by_the_names_of_the_configuration(read, node, chain):
    chain.add()
    harness = read(a={"url": node.http, "functions": {"0xA9059CBB": "transfer", "0x38ed1739": "swap"}})
    harness.run()
    chain.add(call("0xa9059cbb"), call("0xA9059CBB"), call("0x38ed1739"), call("0xdeadbeef"), CREATE, TRANSFER)
    harness.run(advance=12)
    found = {function: value for (_, function), value in harness.series(metrics.CONTRACT_CALLS).items()}
    assert found == {"transfer": 2, "swap": 1, "other": 1, "create": 1}
    assert harness.value(metrics.CONTRACT_EXECUTIONS, node="a") == pytest.approx(5 / 24)
    assert harness.value(metrics.CONTRACT_GAS, node="a") == 5 * 50_000


def test_without_whole_transactions_contracts_are_absent_and_the_rest_is_there(read, node, chain):
    chain.grow(3, call())
    harness = read(a={"url": node.http, "contracts": False})
    harness.run()
    chain.add(call())
    harness.run(advance=12)
    assert transactions(harness) == 1
    assert not harness.series(metrics.CONTRACT_CALLS)
    assert harness.value(metrics.CONTRACT_GAS, node="a") is None
    assert harness.value(metrics.CONTRACT_EXECUTIONS, node="a") is None
    assert not [asked for asked in node.node.asked if True in asked[1:]]


def test_a_reorganisation_is_counted_and_replaced_transactions_are_not_counted_twice(read, node, chain):
    chain.grow(10)
    harness = read(a=node)
    harness.run()
    chain.grow(3, TRANSFER, TRANSFER)
    harness.run(advance=36)
    assert transactions(harness) == 6
    chain.drop(2)
    chain.grow(3, TRANSFER)  # the canonical chain has 2 + 3 since the start
    harness.run(advance=12)
    assert transactions(harness) == 6, "a counter never falls"
    chain.grow(3, TRANSFER)  # 8
    harness.run(advance=36)
    assert transactions(harness) == 8
    assert harness.value(metrics.REORGANIZATIONS, node="a") == 1
    assert harness.value(metrics.REPLACED_BLOCKS, node="a") == 2
    assert harness.value(metrics.RESETS, node="a") == 0


def test_blocks_from_before_the_start_that_are_replaced_count_nothing(read, node, chain):
    chain.grow(10, TRANSFER)
    harness = read(a=node)
    harness.run()
    chain.drop(3)
    chain.grow(4, TRANSFER, TRANSFER)
    harness.run(advance=12)
    assert transactions(harness) == 2, "that of the one block above the height at the start"
    assert harness.value(metrics.REORGANIZATIONS, node="a") == 1


def test_a_reorganisation_to_a_shorter_chain_is_seen(read, node, chain):
    chain.grow(10)
    harness = read(a=node)
    harness.run()
    chain.grow(4, TRANSFER)
    harness.run(advance=48)
    chain.drop(4)
    chain.add()
    harness.run(advance=12)
    assert harness.value(metrics.HEIGHT, node="a") == 11
    assert harness.value(metrics.REORGANIZATIONS, node="a") == 1
    assert transactions(harness) == 4


def test_a_node_behind_a_balancer_that_is_one_block_late_is_no_reorganisation(read, node, chain):
    chain.grow(10)
    harness = read(a=node)
    harness.run()
    chain.add(TRANSFER)
    harness.run(advance=12)
    late = chain.blocks.pop()
    harness.run(advance=1)
    assert harness.value(metrics.HEIGHT, node="a") == 10
    chain.blocks.append(late)
    harness.run(advance=1)
    assert (transactions(harness), harness.value(metrics.REORGANIZATIONS, node="a")) == (1, 0)


def test_a_replacement_deeper_than_what_is_known_begins_anew_and_counts_once(read, node, chain):
    chain.grow(200)
    harness = read(a=node)
    harness.run()
    chain.add(TRANSFER)
    harness.run(advance=12)
    chain.drop(150)
    chain.grow(151, TRANSFER)
    harness.run(advance=12)
    assert harness.value(metrics.REORGANIZATIONS, node="a") == 1
    assert transactions(harness) == 1
    chain.add(TRANSFER)
    harness.run(advance=12)
    assert transactions(harness) == 2


def test_more_blocks_than_allowed_are_skipped_and_counted(read, node, chain):
    chain.grow(10)
    harness = read(a={"url": node.http, "max_blocks": 20})
    harness.run()
    chain.grow(50, TRANSFER)
    harness.run(advance=600)
    assert harness.value(metrics.SKIPPED_BLOCKS, node="a") == 30
    assert transactions(harness) == 20
    assert harness.value(metrics.HEIGHT, node="a") == 60
    assert harness.value(metrics.REORGANIZATIONS, node="a") == 0


def test_what_is_caught_up_with_is_asked_in_few_requests(read, node, chain):
    chain.grow(10)
    harness = read(a=node)
    harness.run()
    requests = []
    node.fault = lambda answer: requests.append(len(answer)) or answer
    chain.grow(45)
    harness.run(advance=540)
    assert len(requests) == 1 + 5


def test_a_chain_that_begins_anew_is_a_reset_and_counting_goes_on(read, node, chain):
    chain.grow(10)
    harness = read(a=node)
    harness.run()
    chain.grow(2, TRANSFER)
    harness.run(advance=24)
    node.node.chain = anew = FakeChain("anew")
    anew.grow(3, TRANSFER)
    harness.run(advance=12)
    assert harness.value(metrics.HEIGHT, node="a") == 3
    assert harness.value(metrics.RESETS, node="a") == 1
    assert harness.value(metrics.RESTARTS, node="a") == 1
    assert transactions(harness) == 2, "what the new chain holds already was not seen to happen"
    anew.add(TRANSFER)
    harness.run(advance=12)
    assert transactions(harness) == 3


def test_a_chain_with_the_same_genesis_that_lost_all_its_blocks_is_a_reset(read, node, chain):
    chain.grow(300)
    harness = read(a=node)
    harness.run()
    chain.drop(250)
    chain.grow(1)
    harness.run(advance=12)
    assert harness.value(metrics.RESETS, node="a") == 1
    assert harness.value(metrics.RESTARTS, node="a") == 1


class Model:
    """The chain as it is, and what a perfect observer has counted."""

    def __init__(self):
        self.chain = FakeChain()
        self.chain.grow(5, TRANSFER)
        self.start = self.chain.height
        self.highest = 0

    def look(self):
        above = self.chain.blocks[self.start + 1 :]
        self.highest = max(self.highest, sum(len(block["transactions"]) for block in above))
        return self.highest


steps = st.lists(st.tuples(st.integers(0, 8), st.lists(st.integers(0, 3), max_size=10)), min_size=1, max_size=8)


@settings(max_examples=200)
@given(steps)
def test_whatever_is_replaced_the_count_is_the_most_that_the_canonical_chain_ever_held(history):
    import asyncio

    model, chain = Model(), Chain()

    async def fetch(numbers):
        blocks = model.chain.blocks
        return [parse_block(blocks[n], {}) if n < len(blocks) else None for n in numbers]

    async def run():
        follower = Follower(chain, fetch, 60, 100)
        await follower.follow(parse_block(model.chain.head, {}))
        model.look()
        for dropped, added in history:
            model.chain.drop(min(dropped, model.chain.height - 1))
            for number in added:
                model.chain.add(*[TRANSFER] * number)
            before = chain.totals.transactions.shown
            await follower.follow(parse_block(model.chain.head, {}))
            if model.chain.head["hash"] == chain.tip.hash:
                model.look()
            assert chain.totals.transactions.shown >= before
        if chain.resets == 0 and model.chain.head["hash"] == chain.tip.hash:
            assert chain.totals.transactions.shown == model.highest

    asyncio.run(run())


def test_memory_is_bounded_by_the_window(read, node, chain):
    chain.grow(20)
    harness = read(a=node)
    harness.run()
    for _ in range(5):
        chain.grow(90, seconds=1)
        harness.run(advance=90)
    (source,) = harness.collector._sources.values()
    assert len(source._chain.blocks) <= KEPT_BLOCKS + 2
