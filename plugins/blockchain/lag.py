"""How far nodes of one chain are behind each other."""

from __future__ import annotations

from collections.abc import Mapping

from collector_plugins.blockchain.answer import Answer, ChainId


def lags(answers: Mapping[str, Answer]) -> Mapping[str, int]:
    """Blocks behind the highest, by node, for nodes whose chain has at least two of them.

    They were asked at the same moment, not in the same instant: a lag of one block comes and goes.
    """
    heights: dict[ChainId, dict[str, int]] = {}
    for name, answer in answers.items():
        if answer.chain is not None and answer.height is not None:
            heights.setdefault(answer.chain, {})[name] = answer.height
    several = (nodes for nodes in heights.values() if len(nodes) > 1)
    return {name: max(nodes.values()) - height for nodes in several for name, height in nodes.items()}
