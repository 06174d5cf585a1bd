"""Two simulated nodes of one chain, a validator and a follower that now and then falls behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from collector_core import Collector, Context, Metric, Readings
from collector_core.demo import Totals, daily, noise, spikes
from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.config import Config

BLOCK_SECONDS = 12.0
CHAIN_BEGAN = 1_600_000_000.0  # seconds since 1970
IDLE_WATTS = 38.0
JOULES_EACH = 1.6  # what a transaction adds
FUNCTIONS = {"transfer": 0.5, "swap": 0.2, "mint": 0.05, "create": 0.01, "other": 0.24}
ALGORITHM = "proof_of_stake"


class Simulated(NamedTuple):
    """A node: how many peers it has, and whether it falls behind at times."""

    name: str
    peers: float
    falls_behind: bool


NODES = (Simulated("validator", 62, falls_behind=False), Simulated("follower", 24, falls_behind=True))


class DemoBlockchain(Collector[Config]):
    """Nodes with plausible days, for trying out dashboards."""

    name = "blockchain"
    metrics = metrics.ALL
    config_type = Config

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._totals = Totals()

    def collect(self, out: Readings) -> None:
        """What the nodes would say now."""
        when = self.ctx.clock.time()
        for node in NODES:
            for metric, value in {**_chain(when, node), **_node(when, node)}.items():
                out.add(metric, value, node=node.name)
            self._count(out, when, node)
            out.add(metrics.NODE_UP, 1, node=node.name, source="evm")
            out.add(metrics.CONSENSUS_INFO, node=node.name, algorithm=ALGORITHM)
            out.add(metrics.NODE_INFO, node=node.name, client="demo/v1", chain_id="1")

    def _count(self, out: Readings, when: float, node: Simulated) -> None:
        rate = _transactions_per_second(when)
        rates = {metrics.TRANSACTIONS: rate, metrics.GAS: rate * 95_000, metrics.REORGANIZATIONS: 1 / 7000}
        rates |= {metrics.REPLACED_BLOCKS: 1 / 6000, metrics.RESTARTS: 0.0, metrics.RESETS: 0.0}
        rates |= dict.fromkeys((metrics.SKIPPED_BLOCKS, metrics.EMPTY_HEIGHTS, metrics.UNLINKED_BLOCKS), 0.0)
        for metric, growth in rates.items():
            out.add(metric, int(self._totals.grow((node, metric), growth, when)), node=node.name)
        for function, share in FUNCTIONS.items():
            total = self._totals.grow((node, function), 0.7 * share * rate, when)
            out.add(metrics.CONTRACT_CALLS, int(total), node=node.name, function=function)


def _transactions_per_second(when: float) -> float:
    return daily(when, 9, 17, peak_hour=16, weekend=0.7) * (1 + noise(when, "transactions", 0.15))


def _behind(when: float, node: Simulated) -> int:
    """Blocks that the node lacks."""
    return int(spikes(when, node.name, 40, every=6 * 3600, length=1800)) if node.falls_behind else 0


def _chain(when: float, node: Simulated) -> Mapping[Metric, float]:
    """What its blocks say."""
    rate, lag = _transactions_per_second(when), _behind(when, node)
    block = int((when - CHAIN_BEGAN) / BLOCK_SECONDS) - lag
    return {
        metrics.HEIGHT: block,
        metrics.BLOCK_LAG: lag,
        metrics.BLOCK_AGE: when - CHAIN_BEGAN - block * BLOCK_SECONDS,
        metrics.BLOCKS_PER_MINUTE: 60 / BLOCK_SECONDS,
        metrics.TRANSACTIONS_PER_SECOND: rate,
        metrics.BLOCK_SIZE: int(rate * BLOCK_SECONDS * 560),
        metrics.CONTRACT_GAS: int(rate * BLOCK_SECONDS * 88_000),
        metrics.CONTRACT_EXECUTIONS: 0.7 * rate,
        metrics.FINALITY: 64 * BLOCK_SECONDS + (block % 32) * BLOCK_SECONDS,
        metrics.SYNCING: float(lag > 0),
        metrics.STALLED: 0.0,
    }


def _node(when: float, node: Simulated) -> Mapping[Metric, float]:
    """What it says of itself."""
    rate = _transactions_per_second(when)
    load = rate / 17
    return {
        metrics.MEMPOOL: int(daily(when, 900, 6500, peak_hour=15) * (1 + noise(when, f"{node.name} pool", 0.3))),
        metrics.MEMPOOL_QUEUED: int(daily(when, 200, 900) * (1 + noise(when, f"{node.name} queue", 0.3))),
        metrics.PEERS: int(node.peers + noise(when, f"{node.name} peers", 6, 900)),
        metrics.VALIDATION: 0.0004 * (1 + load + noise(when, f"{node.name} validation", 0.2)),
        metrics.CONTRACT_SECONDS: 0.0011 * (1 + load + noise(when, f"{node.name} contracts", 0.2)),
        metrics.CONSENSUS_MESSAGES: 240 * (1 + noise(when, f"{node.name} messages", 0.1)),
        metrics.CONSENSUS_PARTICIPATION: 0.985 + noise(when, "participation", 0.01),
        metrics.WASM_LOAD: 0.012 * (1 + noise(when, f"{node.name} wasm", 0.2)),
        metrics.QUANTUM_OVERHEAD: 2.4 * (1 + noise(when, f"{node.name} quantum", 0.03)),
        metrics.ENERGY_PER_TRANSACTION: IDLE_WATTS / rate + JOULES_EACH,
    }
