"""Options of the blockchain plugin."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, PrivateAttr, model_validator

from collector_core import CollectorConfig, Duration, Field, Metric, Options, PushOptions, SecretStr
from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.promtext import Wanted

PREFIX = "blockchain_"
MOST_FUNCTIONS = 100
MOST_NODES = 100

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$")]
Selector = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{8}$"), AfterValidator(str.lower)]


def _address(*schemes: str) -> AfterValidator:
    def check(url: SecretStr) -> SecretStr:
        """Without a word of the address in the message: it may hold a key."""
        text = url.get_secret_value()
        try:
            parts = urlsplit(text)
            place = parts.path if parts.scheme == "ipc" else parts.hostname and (parts.port or parts.hostname)
        except ValueError:
            raise ValueError("is not an address") from None
        if parts.scheme not in schemes or not place:
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}, and name a place")
        if not text.isprintable() or any(letter.isspace() for letter in text):
            raise ValueError("must be one word of printable characters")
        return url

    return AfterValidator(check)


class _Node(Options):
    name: Name = Field(description="The label `node`.")
    consensus: Name | None = Field(None, description="Consensus algorithm, e.g. proof_of_stake; for an info metric.")
    here: bool | None = Field(None, description="Whether the node runs on this machine: its energy is then shared out.")

    @property
    def is_here(self) -> bool:
        """Whether the node runs on this machine: what the option says, else what its address says."""
        return bool(self.here)


class _Asked(_Node):
    headers: dict[str, SecretStr] = Field({}, max_length=20, description="HTTP headers, e.g. Authorization.")

    @property
    def address(self) -> SecretStr:
        """Where the node is asked."""
        raise NotImplementedError

    @property
    def is_here(self) -> bool:
        """As for every node; an IPC socket and a loopback address are here."""
        return self.here if self.here is not None else _is_loopback(self.address)


class EvmNode(_Asked):
    """A node that speaks Ethereum's JSON-RPC."""

    source: Literal["evm"]
    url: Annotated[SecretStr, _address("http", "https", "ws", "wss", "ipc")] = Field(
        description="Its JSON-RPC: http://, https://, ws://, wss:// or ipc:///path/to/geth.ipc."
    )
    window: Duration = Field(60.0, ge=5, le=3600, description="Period that rates are computed over.")
    max_blocks: int = Field(
        100, ge=2, le=1000, description="Most blocks to catch up on in one run; others are skipped."
    )
    stalled_after: Duration | None = Field(None, ge=1, description="Time without a new block until a node is stalled.")
    contracts: bool = Field(True, description="Read whole transactions to tell contract calls from transfers.")
    functions: dict[Selector, Name] = Field(
        {}, max_length=MOST_FUNCTIONS, description="Names of functions by their selector, four bytes in hexadecimal."
    )

    @property
    def address(self) -> SecretStr:
        """Where the node is asked."""
        return self.url


class Entry(Options):
    """What a metric is on a page."""

    series: str = Field(min_length=1, max_length=500, description='name or name{label="value"}; several are added up.')
    scale: float = Field(1.0, gt=0, allow_inf_nan=False, description="Factor to the metric's unit.")
    rate: bool = Field(False, description="Use its increase per second.")
    _wanted: Wanted = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: object) -> object:
        return {"series": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _is_series(self) -> Self:
        self._wanted = Wanted.parse(self.series)
        return self

    @property
    def wanted(self) -> Wanted:
        """The series."""
        return self._wanted


class PrometheusNode(_Asked):
    """A node with a metrics endpoint."""

    source: Literal["prometheus"]
    url: Annotated[SecretStr, _address("http", "https")] = Field(description="Its metrics endpoint.")
    metrics: dict[str, Entry] = Field(
        min_length=1, description="What to publish, and from which series: `block_height: chain_head_block`."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        told = [metric.name.removeprefix(PREFIX) for metric in metrics.TOLD]
        for name in self.metrics:
            if name not in told:
                raise ValueError(f"{name!r} is none of {', '.join(sorted(told))}")
        for name, entry in self.metrics.items():
            if entry.rate and name.endswith("_total"):
                raise ValueError(f"{name} is a counter: no `rate`")
        return self

    @property
    def address(self) -> SecretStr:
        """Where the node is asked."""
        return self.url

    @property
    def table(self) -> Mapping[Metric, Entry]:
        """What is shown, by metric."""
        return {
            metric: self.metrics[key]
            for metric in metrics.TOLD
            if (key := metric.name.removeprefix(PREFIX)) in self.metrics
        }


class PushNode(_Node):
    """A node that posts what it knows."""

    source: Literal["push"]


Node = Annotated[EvmNode | PrometheusNode | PushNode, Field(discriminator="source")]


class Config(CollectorConfig):
    """Options of the blockchain plugin."""

    nodes: tuple[Node, ...] = Field((), max_length=MOST_NODES, description="The nodes; see below.")
    push: PushOptions = Field(
        PushOptions(), description="For nodes with `source: push`: `token`, `expires_after` and `max_names`."
    )
    max_page_mib: int = Field(
        64, ge=1, le=4096, description="Longest page of metrics that is read, in MiB; it takes no memory."
    )
    energy_components: frozenset[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]] = Field(
        frozenset(),
        description="Components whose energy counts towards a transaction, e.g. [cpu, dram]; all by default.",
    )
    energy_window: Duration = Field(
        300.0, ge=10, le=86400, description="Period that the energy per transaction is computed over."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        twice = [name for name, times in Tally(node.name for node in self.nodes).items() if times > 1]
        if twice:
            raise ValueError(f"two nodes are called {twice[0]!r}; give them different names")
        return self


def _is_loopback(address: SecretStr) -> bool:
    parts: Any = urlsplit(address.get_secret_value())
    if parts.scheme == "ipc" or parts.hostname == "localhost":
        return True
    try:
        return bool(ip_address(parts.hostname).is_loopback)
    except ValueError:
        return False
