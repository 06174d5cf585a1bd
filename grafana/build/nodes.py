"""Blockchain and inference: what nodes and model servers do, and the joules of each transaction and answer."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import BAD, UP, YES_IS_BAD, Look
from grafana.build.panels import bars, graph, stat, states, table
from grafana.build.queries import Query, chosen_by

NODE = Variable("node", "Node", "blockchain_block_height")
MODEL = Variable("model", "Model", "inference_requests_total")

_node = chosen_by("node", "{{node}}")
_model = chosen_by("model", "{{model}}")

NODES = row(
    "Nodes",
    stat(
        "Transactions per second",
        "Transactions of all chosen nodes' chains now.",
        Look("suffix: tx/s", decimals=1),
        _node("blockchain_transactions_per_second{$chosen}"),
        width=6,
    ),
    stat(
        "Block height",
        "Number of the newest block.",
        Look("locale"),
        _node("blockchain_block_height{$chosen}"),
        width=6,
    ),
    stat(
        "Peers",
        "Other nodes that a node is connected with.",
        Look("none"),
        _node("blockchain_peers{$chosen}"),
        width=6,
    ),
    stat(
        "Stalled nodes",
        "Nodes whose chain has not moved for longer than it should.",
        Look("none", limits=BAD),
        _node("sum(blockchain_stalled{$chosen})", legend=""),
        width=6,
    ),
    graph(
        "Transactions",
        "Transactions per second.",
        Look("suffix: tx/s", minimum=0),
        _node("rate(blockchain_transactions_total{$chosen}[$__rate_interval])"),
        width=8,
    ),
    graph(
        "Energy per transaction",
        "Joules of the machine for each transaction of its node.",
        Look("joule", minimum=0),
        _node("blockchain_energy_per_transaction_joules{$chosen}"),
        width=8,
    ),
    graph(
        "Waiting transactions",
        "Transactions in the pool that are in no block yet.",
        Look("short", minimum=0),
        _node("blockchain_mempool_transactions{$chosen}"),
        width=8,
    ),
    graph(
        "Blocks",
        "Blocks per minute.",
        Look("suffix: /min", minimum=0),
        _node("blockchain_blocks_per_minute{$chosen}"),
        width=8,
    ),
    graph(
        "Age of the newest block",
        "Seconds since the newest block.",
        Look("s", minimum=0),
        _node("blockchain_block_age_seconds{$chosen}"),
        width=8,
    ),
    graph(
        "Blocks behind",
        "Blocks that a node is behind the highest of its chain.",
        Look("none", minimum=0),
        _node("blockchain_block_lag_blocks{$chosen}"),
        width=8,
    ),
    graph(
        "Times of validation and finality",
        "Time to validate a transaction, and until a block is final.",
        Look("s", minimum=0),
        _node("blockchain_transaction_validation_seconds{$chosen}", "{{node}} validation"),
        _node("blockchain_time_to_finality_seconds{$chosen}", "{{node}} finality"),
        width=8,
    ),
    states(
        "Nodes up",
        "Whether each node answered.",
        Look("none", words=UP),
        _node("max by (job, instance, node) (blockchain_node_up{$chosen})"),
        width=8,
    ),
    states(
        "Syncing",
        "When a node was catching up with its chain.",
        Look("none", words=YES_IS_BAD),
        _node("blockchain_syncing{$chosen}"),
        width=8,
    ),
    graph(
        "Reorganisations and restarts",
        "How often the chain's end was replaced, and the node began anew.",
        Look("none", minimum=0),
        _node("increase(blockchain_reorganizations_total{$chosen}[$__rate_interval])", "{{node}} reorganisations"),
        _node("increase(blockchain_node_restarts_total{$chosen}[$__rate_interval])", "{{node}} restarts"),
        width=8,
    ),
)

MODELS = row(
    "Inference",
    graph(
        "Requests",
        "Requests per second that each model answers.",
        Look("reqps", minimum=0),
        _model("inference_requests_per_second{$chosen}"),
        width=8,
    ),
    graph(
        "Tokens",
        "Tokens per second that each model makes.",
        Look("suffix: tokens/s", minimum=0),
        _model("inference_tokens_per_second{$chosen}"),
        width=8,
    ),
    graph(
        "Energy per request",
        "Joules of GPUs for each answer.",
        Look("joule", minimum=0),
        _model("inference_energy_per_request_joules{$chosen}"),
        width=8,
    ),
    graph(
        "Latency",
        "Time of an answer: the mean, and what 95 and 99 of 100 stay below.",
        Look("s", minimum=0),
        _model("inference_latency_mean_seconds{$chosen}", "{{model}} mean"),
        _model("inference_latency_p95_seconds{$chosen}", "{{model}} 95 %"),
        _model("inference_latency_p99_seconds{$chosen}", "{{model}} 99 %"),
    ),
    graph(
        "Waiting requests",
        "Requests that wait for their turn.",
        Look("none", minimum=0),
        _model("inference_requests_waiting{$chosen}"),
        width=6,
    ),
    graph(
        "Use of accelerators",
        "Busy part of the accelerators that serve a model.",
        Look("percentunit", minimum=0, maximum=1),
        _model("inference_accelerator_utilization_ratio{$chosen}"),
        width=6,
    ),
    bars(
        "Latency of layers",
        "Time that each layer of a model takes, where the server tells it.",
        Look("s", minimum=0),
        _model("inference_layer_latency_seconds{$chosen}", "{{model}} {{layer}}"),
        width=12,
    ),
    states(
        "Servers up",
        "Whether each model server answers, or has pushed lately.",
        Look("none", words=UP),
        Query("inference_server_up{$selected}", "{{instance}} {{server}}"),
        width=12,
    ),
    table(
        "Models",
        "Kind, quantisation and acceleration of each model.",
        Look("none"),
        _model("inference_info{$chosen}"),
    ),
)


QUANTUM = row(
    "Quantum resistance",
    bars(
        "Overhead of post-quantum operations",
        "Time of a post-quantum operation by that of the classical one: 1 is equal.",
        Look("suffix: ×", minimum=0, decimals=2),
        Query("quantum_overhead_ratio{$selected}", "{{operation}} {{algorithm}} to {{classical}}"),
        width=8,
    ),
    bars(
        "Security",
        "Bits of security of what is configured, against classical and quantum computers.",
        Look("suffix: bit", minimum=0),
        Query("quantum_security_level{$selected}", "{{algorithm}} {{kind}}"),
        width=8,
    ),
    graph(
        "Random source",
        "Bytes per second of each source of randomness.",
        Look("Bps", minimum=0),
        Query("quantum_random_throughput_bytes_per_second{$selected}", "{{source}}"),
        width=8,
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-nodes",
    "Energy · Blockchain and inference",
    "What nodes and model servers do, and the joules of each transaction and answer.",
    (NODES, MODELS, QUANTUM),
    (NODE, MODEL),
)
