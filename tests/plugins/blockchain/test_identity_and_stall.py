"""What several looks at a node tell: restarts, stalls and the activity in a window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.blockchain.answer import ChainId
from collector_plugins.blockchain.block import Block
from collector_plugins.blockchain.identity import NodeIdentity
from collector_plugins.blockchain.rates import activity
from collector_plugins.blockchain.stall import HeadAge, stall_after

CHAIN = ChainId(1, "0xaa")


@pytest.mark.parametrize(
    ("chain", "client", "process", "restarts", "is_other_chain"),
    [
        (CHAIN, "geth/1", 7, 0, False),
        (CHAIN, "geth/1", 8, 1, False),
        (CHAIN, "geth/2", 7, 1, False),
        (ChainId(1, "0xbb"), "geth/1", 7, 1, True),
        (ChainId(2, "0xaa"), "geth/2", 8, 1, True),
        (ChainId(0, ""), "", None, 0, False),
    ],
)
def test_another_process_version_or_chain_is_one_restart(chain, client, process, restarts, is_other_chain):
    identity = NodeIdentity()
    assert not identity.record(CHAIN, "geth/1", 7)
    assert identity.record(chain, client, process) is is_other_chain
    assert identity.restarts == restarts


def test_what_was_unknown_in_between_is_compared_with_what_was_known_before():
    identity = NodeIdentity()
    identity.record(CHAIN, "geth/1", 7)
    identity.record(ChainId(0, ""), "", None)
    assert identity.chain == CHAIN
    assert identity.record(ChainId(1, "0xbb"), "geth/1", 7)


def test_a_node_that_was_down_before_we_ever_saw_it_has_not_restarted():
    identity = NodeIdentity()
    identity.record_down()
    identity.record(CHAIN, "geth/1", 7)
    assert identity.restarts == 0


def test_a_head_stands_still_since_it_was_first_seen_and_at_first_since_its_age():
    head = HeadAge()
    assert head.record("a", 1000, 30) == 30
    assert head.record("a", 1010, 40) == 40
    assert head.record("b", 1011, 9) == 0
    assert head.record("b", 1015, 13) == 4


def test_a_stall_takes_ten_usual_intervals_and_at_least_a_minute():
    assert stall_after(None, None) == 60
    assert stall_after(None, 1) == 60
    assert stall_after(None, 12) == 120
    assert stall_after(5, 12) == 5


blocks = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=30).map(
    lambda steps: [
        Block(number, "", "", sum(step for step, _ in steps[: number + 1]), transactions)
        for number, (_, transactions) in enumerate(steps)
    ]
)


@given(blocks, st.integers(1, 100), st.none() | st.integers(0, 2000))
def test_activity_is_that_of_blocks_above_one_that_is_a_window_older(chain, window, now):
    found = activity(chain, window, now)
    if found is None:
        return
    anchor = len(chain) - 1 - found.blocks
    end = max(chain[-1].timestamp, now or 0)
    assert found.seconds == end - chain[anchor].timestamp > 0
    assert anchor == 0 or chain[anchor].timestamp <= end - window
    assert all(block.timestamp > end - window for block in chain[anchor + 1 :])
    assert found.transactions == sum(block.transactions for block in chain[anchor + 1 :])
