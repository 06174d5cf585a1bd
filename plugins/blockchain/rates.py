"""How much happens on a chain, by the timestamps of its blocks, and how far its nodes are behind each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collector_plugins.blockchain.answer import ChainId, NodeReading
from collector_plugins.blockchain.block import Block


class Activity(NamedTuple):
    """What `seconds` of a chain held; `executions` is None where they are not known."""

    seconds: float
    blocks: int
    transactions: int
    executions: int | None


def activity(blocks: Sequence[Block], window: float, now: float | None = None) -> Activity | None:
    """The blocks above the anchor: the newest block that is at least `window` seconds older than the end.

    The end is the timestamp of the newest block, or `now` (seconds since 1970) for a chain that stands still. The time
    runs from the anchor to the end, so that each block counts with the time that it took. Where no block is old enough,
    the oldest one is the anchor. None where no time has passed, or a block does not tell its time.
    """
    times = [block.timestamp for block in blocks if block.timestamp is not None]
    if not blocks or len(times) < len(blocks):
        return None
    end = max(times[-1], now or 0.0)
    anchor = next((i for i in range(len(times) - 1, -1, -1) if times[i] <= end - window), 0)
    seconds = end - times[anchor]
    if seconds <= 0:
        return None
    above = blocks[anchor + 1 :]
    executions = [block.executions for block in blocks[anchor:]]
    known = [number for number in executions if number is not None]
    return Activity(
        seconds,
        len(above),
        sum(block.transactions for block in above),
        sum(known[1:]) if len(known) == len(executions) else None,
    )


def mean_interval(blocks: Sequence[Block]) -> float | None:
    """Mean seconds from block to block; None for less than two that tell their time."""
    times = [block.timestamp for block in blocks if block.timestamp is not None]
    if len(times) < 2:
        return None
    return max(0.0, (times[-1] - times[0]) / (len(times) - 1))


def lags(answers: Mapping[str, NodeReading]) -> Mapping[str, int]:
    """Blocks behind the highest, by node, for nodes whose chain has at least two of them.

    They were asked at the same moment, not in the same instant: a lag of one block comes and goes.
    """
    heights: dict[ChainId, dict[str, int]] = {}
    for name, answer in answers.items():
        if answer.chain is not None and answer.height is not None:
            heights.setdefault(answer.chain, {})[name] = answer.height
    several = (nodes for nodes in heights.values() if len(nodes) > 1)
    return {name: max(nodes.values()) - height for nodes in several for name, height in nodes.items()}
