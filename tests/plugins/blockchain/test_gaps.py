"""Chains whose blocks do not join: empty heights, blocks that stay unreadable, parents that are wrong or missing."""

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.block import parse_block
from collector_plugins.blockchain.chain import Chain
from collector_plugins.blockchain.follower import PATIENCE, Follower
from tests.plugins.blockchain.fakechain import NOW, TRANSFER, FakeChain

INTERVAL = 12


def shown(harness):
    names = {
        "height": metrics.HEIGHT,
        "transactions": metrics.TRANSACTIONS,
        "empty": metrics.EMPTY_HEIGHTS,
        "unlinked": metrics.UNLINKED_BLOCKS,
        "skipped": metrics.SKIPPED_BLOCKS,
        "reorganizations": metrics.REORGANIZATIONS,
        "stalled": metrics.STALLED,
    }
    return {name: value for name, metric in names.items() if (value := harness.value(metric, node="a"))}


@pytest.fixture
def chain():
    chain = FakeChain(start=NOW - 240)
    chain.grow(20, TRANSFER)
    return chain


@pytest.mark.parametrize("answer", [None, ValueError("requested epoch was a null round"), {"number": None}])
@pytest.mark.parametrize("empty", [1, 2, 15])
def test_heights_without_a_block_are_passed_over(read, node, chain, answer, empty):
    harness = read(a=node)
    harness.run()
    node.node.missing = answer
    chain.leave_empty(empty)
    chain.grow(2, TRANSFER)
    harness.run(advance=INTERVAL)
    assert shown(harness) == {"height": 22 + empty, "transactions": 2, "empty": empty}


def test_rates_reach_back_over_empty_heights_at_the_first_look(read, node, chain):
    chain.leave_empty(3)
    chain.grow(2, TRANSFER, TRANSFER)
    harness = read(a=node)
    harness.run()
    assert harness.value(metrics.TRANSACTIONS_PER_SECOND, node="a") == pytest.approx((2 * 2 + 3) / 60)


def test_a_height_that_becomes_empty_is_a_reorganisation(read, node, chain):
    harness = read(a=node)
    harness.run()
    chain.grow(1, TRANSFER)
    harness.run(advance=INTERVAL)
    chain.drop(1)
    chain.leave_empty(1)
    chain.grow(1, TRANSFER, TRANSFER)
    harness.run(advance=INTERVAL)
    assert shown(harness) == {"height": 22, "transactions": 2, "empty": 1, "reorganizations": 1}


@pytest.mark.parametrize("parent", ["0x" + "77" * 32, "0x", None, 7])
def test_blocks_with_wrong_parents_are_joined_by_their_height(read, node, chain, caplog, parent):
    for block in chain.blocks:
        block["parentHash"] = parent
    harness = read(a=node)
    harness.run()
    assert harness.value(metrics.BLOCKS_PER_MINUTE, node="a") == pytest.approx(5)
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            chain.grow(3, TRANSFER)
            for block in chain.blocks[-3:]:
                block["parentHash"] = parent
            harness.run(advance=3 * INTERVAL)
    assert shown(harness) == {"height": 32, "transactions": 12, "unlinked": 12}
    assert len(caplog.messages) == 1
    node.node.asked.clear()
    harness.run(advance=1)
    assert len(node.node.asked) == 9, "no block is read twice while nothing happens"


def test_a_newest_block_with_another_hash_than_by_its_height_is_no_reorganisation(read, node, chain):
    result = node.node._result

    def answer(method, params):
        block = result(method, params)
        return block | {"hash": "0x" + "99" * 32} if params[:1] == ["latest"] else block

    node.node._result = answer
    harness = read(a=node)
    for height in range(20, 26):
        harness.run(advance=INTERVAL)
        assert shown(harness) == {"height": height} | ({"transactions": height - 20} if height > 20 else {})
        chain.grow(1, TRANSFER)
    for more in ("the new block", "the newest one once more"):
        node.node.asked.clear()
        harness.run(advance=INTERVAL)
        assert len(node.node.asked) == 9 + 1, more


def test_replaced_blocks_are_found_where_parents_are_wrong(read, node, chain):
    harness = read(a=node)
    harness.run()
    chain.grow(4, TRANSFER)
    for block in chain.blocks[-4:]:
        block["parentHash"] = "0x" + "77" * 32
    harness.run(advance=4 * INTERVAL)
    chain.drop(2)
    chain.grow(3, TRANSFER)
    for block in chain.blocks[-3:]:
        block["parentHash"] = "0x" + "77" * 32
    harness.run(advance=3 * INTERVAL)
    assert shown(harness) == {"height": 25, "transactions": 5, "unlinked": 7, "reorganizations": 1}


@pytest.mark.parametrize("answer", [ValueError("internal error"), {"number": "0x9"}, {"transactions": "many"}, None])
def test_a_block_that_stays_unreadable_is_skipped_with_one_line(read, node, chain, caplog, answer):
    harness = read(a=node)
    harness.run()
    node.node.hidden[21] = answer
    chain.grow(3, TRANSFER)
    with caplog.at_level(logging.WARNING):
        for _ in range(PATIENCE - 1):
            harness.run(advance=INTERVAL)
            assert shown(harness) == {"height": 23}, "it may be shown yet"
        harness.run(advance=INTERVAL)
        assert shown(harness) == {"height": 23, "transactions": 2, "skipped": 1}
        chain.grow(1, TRANSFER)
        harness.run(advance=INTERVAL)
    assert shown(harness) == {"height": 24, "transactions": 3, "skipped": 1}
    (line,) = caplog.messages
    assert "1 block was skipped below block 23" in line


def test_a_block_that_comes_late_is_counted(read, node, chain):
    harness = read(a=node)
    harness.run()
    node.node.hidden[21] = None
    chain.grow(3, TRANSFER)
    harness.run(advance=INTERVAL)
    node.node.hidden.clear()
    harness.run(advance=INTERVAL)
    assert shown(harness) == {"height": 23, "transactions": 3}


def test_a_node_that_shows_no_whole_block_at_all_goes_on_by_its_newest_ones(read, node, chain):
    harness = read(a=node)
    harness.run()
    node.node.hidden = dict.fromkeys(range(21, 60))
    node.node.hidden = {number: ValueError("busy") for number in node.node.hidden}
    handle = node.node._result
    node.node._result = lambda method, params: chain.head if params[:1] == ["latest"] else handle(method, params)
    chain.grow(5, TRANSFER)
    for _ in range(PATIENCE):
        harness.run(advance=INTERVAL)
    assert shown(harness) == {"height": 25, "transactions": 1, "skipped": 4}


def test_a_gap_at_the_first_of_too_many_blocks_is_passed_over(read, node, chain):
    harness = read(a={"url": node.http, "max_blocks": 20})
    harness.run()
    chain.grow(10, TRANSFER)
    chain.leave_empty(5)
    chain.grow(16, TRANSFER)
    harness.run(advance=INTERVAL)
    assert shown(harness) == {"height": 51, "transactions": 16, "skipped": 15}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=30))
def test_of_nodes_behind_a_balancer_some_of_which_are_late_every_block_counts_once(looks):
    fake, chain, lags = FakeChain(), Chain(), iter(())
    fake.grow(30)
    start = fake.height

    async def fetch(numbers):
        newest = fake.height - next(lags, 0)
        return [parse_block(fake.blocks[n], {}) if n <= newest else None for n in numbers]

    async def run():
        nonlocal lags
        follower = Follower(chain, fetch, 60, 200)
        for added, late_head, late in [(0, 0, 0), *looks, (0, 0, 0)]:
            fake.grow(added, TRANSFER)
            lags = iter([late] * 2)
            await follower.follow(parse_block(fake.blocks[fake.height - late_head], {}))
            assert chain.totals.transactions.shown <= fake.height - start

    asyncio.run(run())
    assert chain.tip.number == fake.height
    assert (chain.reorganizations, chain.unlinked, chain.empty_heights) == (0, 0, 0)
    assert chain.totals.transactions.shown + chain.skipped >= fake.height - start


steps = st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(0, 3), max_size=12)), min_size=1, max_size=8)


@pytest.mark.parametrize("linked", ["all", "some", "none"])
@given(steps)
def test_whatever_is_empty_or_not_linked_every_block_counts_once(linked, history):
    fake, chain, expected = FakeChain(), Chain(), 0
    fake.grow(5)

    def parse(block):
        is_linked = block is None or linked == "all" or (linked == "some" and int(block["number"], 16) % 2)
        return parse_block(block if is_linked else block | {"parentHash": "0x" + "77" * 32}, {})

    async def fetch(numbers):
        return [parse(fake.blocks[n]) if n < len(fake.blocks) else None for n in numbers]

    async def run():
        nonlocal expected
        follower = Follower(chain, fetch, 60, 200)
        await follower.follow(parse(fake.head))
        for empty, added in history:
            if linked == "all":
                fake.leave_empty(empty)
            for number in added:
                fake.add(*[TRANSFER] * number)
            expected += sum(added)
            await follower.follow(parse(fake.head))
            assert chain.knows(parse(fake.head))

    asyncio.run(run())
    assert (chain.totals.transactions.shown, chain.reorganizations, chain.skipped) == (expected, 0, 0)
