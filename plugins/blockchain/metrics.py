"""The metrics of the blockchain plugin, and which of them a node may tell by itself."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Metric, Unit

NODE = ("node",)

TRANSACTIONS_PER_SECOND = Gauge(
    "blockchain_transactions_per_second",
    "Transactions per second over the window: in blocks, by their timestamps; up to now once the node stalls.",
    Unit.NONE,
    NODE,
    topic="throughput",
    of="node",
    title="Transactions per second of the node",
)
TRANSACTIONS = Counter(
    "blockchain_transactions_total",
    "Transactions in blocks of the canonical chain since the collector started; replaced blocks count once.",
    Unit.NONE,
    NODE,
    topic="transactions",
    of="node",
    title="Transactions of the node",
)
VALIDATION = Gauge(
    "blockchain_transaction_validation_seconds",
    "Time that the node takes to validate a transaction.",
    Unit.SECONDS,
    NODE,
    topic="validation_time",
    of="node",
    title="Transaction validation time of the node",
)
BLOCKS_PER_MINUTE = Gauge(
    "blockchain_blocks_per_minute",
    "Blocks per minute over the window.",
    Unit.NONE,
    NODE,
    topic="block_rate",
    of="node",
    title="Blocks per minute of the node",
)
HEIGHT = Gauge(
    "blockchain_block_height",
    "Number of the newest block that the node has.",
    Unit.NONE,
    NODE,
    topic="block_height",
    of="node",
    title="Block height of the node",
)
BLOCK_SIZE = Gauge(
    "blockchain_block_size_bytes",
    "Size of the newest block, as reported by the node.",
    Unit.BYTES,
    NODE,
    topic="block_size",
    of="node",
    title="Size of the newest block",
)
BLOCK_AGE = Gauge(
    "blockchain_block_age_seconds",
    "Time since the newest block's own timestamp.",
    Unit.SECONDS,
    NODE,
    topic="block_age",
    of="node",
    title="Age of the newest block",
)
BLOCK_LAG = Gauge(
    "blockchain_block_lag_blocks",
    "Blocks behind the highest node of the same chain, or the number of blocks the node itself knows to be missing.",
    Unit.NONE,
    NODE,
    topic="block_lag",
    of="node",
    title="Blocks the node is behind",
)
STALLED = Gauge(
    "blockchain_stalled",
    "1 while no new block has arrived for `stalled_after`.",
    Unit.NONE,
    NODE,
    topic="stalled",
    of="node",
    title="Node without new blocks",
)
MEMPOOL = Gauge(
    "blockchain_mempool_transactions",
    "Transactions waiting for a block.",
    Unit.NONE,
    NODE,
    topic="queue",
    of="node",
    title="Pending transactions of the node",
)
MEMPOOL_QUEUED = Gauge(
    "blockchain_mempool_queued_transactions",
    "Transactions that cannot get into a block yet, because an earlier one of their sender is missing.",
    Unit.NONE,
    NODE,
    topic="blocked_queue",
    of="node",
    title="Transactions of the node that wait for an earlier one",
)
PEERS = Gauge(
    "blockchain_peers",
    "Peers that the node is connected to.",
    Unit.NONE,
    NODE,
    topic="peers",
    of="node",
    title="Peers of the node",
)
SYNCING = Gauge(
    "blockchain_syncing",
    "1 while the node catches up with its network.",
    Unit.NONE,
    NODE,
    topic="syncing",
    of="node",
    title="Node that catches up with its network",
)
FINALITY = Gauge(
    "blockchain_time_to_finality_seconds",
    "Age of the newest final block when the newest block was made, by the timestamps of both.",
    Unit.SECONDS,
    NODE,
    topic="finality_time",
    of="node",
    title="Time to finality",
)
CONSENSUS_MESSAGES = Gauge(
    "blockchain_consensus_messages_per_second",
    "Consensus messages per second.",
    Unit.NONE,
    NODE,
    topic="consensus_rate",
    of="node",
    title="Consensus messages per second",
)
CONSENSUS_PARTICIPATION = Gauge(
    "blockchain_consensus_participation_ratio",
    "Fraction of the validators that participate, 0 to 1.",
    Unit.RATIO,
    NODE,
    topic="participation",
    of="node",
    title="Consensus participation",
)
CONSENSUS_INFO = Info(
    "blockchain_consensus_info",
    "Consensus algorithm of the nodes.",
    ("node", "algorithm"),
    of="node",
    title="Consensus of the chain",
)
CONTRACT_EXECUTIONS = Gauge(
    "blockchain_contract_executions_per_second",
    "Transactions per second that call a contract or create one, over the window.",
    Unit.NONE,
    NODE,
    topic="contract_rate",
    of="node",
    title="Contract executions per second",
)
CONTRACT_SECONDS = Gauge(
    "blockchain_contract_execution_seconds",
    "Time that the execution of a contract takes.",
    Unit.SECONDS,
    NODE,
    topic="contract_time",
    of="node",
    title="Contract execution time",
)
CONTRACT_GAS = Gauge(
    "blockchain_contract_gas_used",
    "Gas of the newest block beyond the 21,000 of each transaction without call data.",
    Unit.NONE,
    NODE,
    topic="contract_gas",
    of="node",
    title="Gas used by contracts",
)
CONTRACT_CALLS = Counter(
    "blockchain_contract_calls_total",
    "Transactions that call a function, by its name in `functions`; `create` for new contracts, `other` for the rest.",
    Unit.NONE,
    ("node", "function"),
    topic="contract_calls",
    of="node",
    title="Contract calls",
)
GAS = Counter(
    "blockchain_gas_used_total",
    "Gas of the blocks that blockchain_transactions_total counts.",
    Unit.NONE,
    NODE,
    topic="gas",
    of="node",
    title="Gas used",
)
WASM_LOAD = Gauge(
    "blockchain_wasm_load_seconds",
    "Time that loading a WebAssembly module takes.",
    Unit.SECONDS,
    NODE,
    topic="wasm_load_time",
    of="node",
    title="Time to load a WebAssembly module",
)
QUANTUM_OVERHEAD = Gauge(
    "blockchain_quantum_resistant_overhead_ratio",
    "Time of quantum-resistant cryptography divided by the time of classical cryptography.",
    Unit.RATIO,
    NODE,
    topic="cryptography_overhead",
    of="node",
    title="Overhead of quantum-resistant cryptography",
)
ENERGY_PER_TRANSACTION = Gauge(
    "blockchain_energy_per_transaction_joules",
    "Energy of the machine, or of the chosen components, per transaction of the node on it, over `energy_window`.",
    Unit.JOULES,
    NODE,
    topic="energy_per_transaction",
    of="node",
    title="Energy per transaction",
)
REORGANIZATIONS = Counter(
    "blockchain_reorganizations_total",
    "Times that blocks already reported by the node were replaced.",
    Unit.NONE,
    NODE,
    topic="reorganizations",
    of="node",
    title="Chain reorganizations",
)
REPLACED_BLOCKS = Counter(
    "blockchain_reorganized_blocks_total",
    "Blocks that were replaced by reorganisations.",
    Unit.NONE,
    NODE,
    topic="reorganized_blocks",
    of="node",
    title="Blocks replaced by reorganizations",
)
RESTARTS = Counter(
    "blockchain_node_restarts_total",
    "Restarts of the node that were detected: nothing had been listening at its address, its process or version "
    "changed, or its chain started over.",
    Unit.NONE,
    NODE,
    topic="restarts",
    of="node",
    title="Restarts of the node",
)
RESETS = Counter(
    "blockchain_chain_resets_total",
    "Times that the node presented a different chain than before.",
    Unit.NONE,
    NODE,
    topic="chain_resets",
    of="node",
    title="Chain resets of the node",
)
SKIPPED_BLOCKS = Counter(
    "blockchain_skipped_blocks_total",
    "Blocks that were not read, because more than `max_blocks` had arrived or they could not be read; their "
    "transactions are not counted.",
    Unit.NONE,
    NODE,
    topic="skipped_blocks",
    of="node",
    title="Blocks that were skipped",
)
EMPTY_HEIGHTS = Counter(
    "blockchain_empty_heights_total",
    "Heights without a block, on chains whose rounds may be empty.",
    Unit.NONE,
    NODE,
    topic="empty_heights",
    of="node",
    title="Heights without a block",
)
UNLINKED_BLOCKS = Counter(
    "blockchain_unlinked_blocks_total",
    "Blocks whose parent hash is not the hash of the block before, although the node shows both unchanged.",
    Unit.NONE,
    NODE,
    topic="unlinked_blocks",
    of="node",
    title="Blocks that do not name their parent",
)
NODE_UP = Gauge(
    "blockchain_node_up",
    "1 if the node answered.",
    Unit.NONE,
    ("node", "source"),
    topic="availability",
    of="node",
    title="Chain node",
)
NODE_UNAVAILABLE = Info(
    "blockchain_node_unavailable_info", "Why a node could not be read.", ("node", "source", "reason"), of="node"
)
NODE_INFO = Info(
    "blockchain_node_info",
    "The node's program and chain.",
    ("node", "client", "chain_id"),
    of="node",
    title="Chain node",
)

# What a page of metrics or a pushed document may say of a node; the counters may begin anew there.
TOLD: tuple[Metric, ...] = (
    TRANSACTIONS_PER_SECOND,
    TRANSACTIONS,
    VALIDATION,
    BLOCKS_PER_MINUTE,
    HEIGHT,
    BLOCK_SIZE,
    BLOCK_AGE,
    BLOCK_LAG,
    STALLED,
    MEMPOOL,
    MEMPOOL_QUEUED,
    PEERS,
    SYNCING,
    FINALITY,
    CONSENSUS_MESSAGES,
    CONSENSUS_PARTICIPATION,
    CONTRACT_EXECUTIONS,
    CONTRACT_SECONDS,
    CONTRACT_GAS,
    GAS,
    WASM_LOAD,
    QUANTUM_OVERHEAD,
    REORGANIZATIONS,
    REPLACED_BLOCKS,
)

ALL: tuple[Metric, ...] = (
    *TOLD,
    CONSENSUS_INFO,
    CONTRACT_CALLS,
    ENERGY_PER_TRANSACTION,
    RESTARTS,
    RESETS,
    SKIPPED_BLOCKS,
    EMPTY_HEIGHTS,
    UNLINKED_BLOCKS,
    NODE_UP,
    NODE_UNAVAILABLE,
    NODE_INFO,
)
