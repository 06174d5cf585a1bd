"""What a transaction costs the node that executes it: `pip install '.[examples]'`, then run this file.

The node is a development chain (py-evm behind eth-tester) in a process of its own, as geth or reth would be; this
process is the client. The client hardly notices what a contract does, the node does: with `processes=[pid]` both are
measured, each by itself. For a node that runs already, give its pid, unit, container or name instead.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from collector_core import NotAvailable
from collector_core.energy import EnergyMonitor, Measurement

TRANSACTIONS = 3  # of each kind
# Counts down from 20,000: PUSH2 20000, JUMPDEST, PUSH1 1, SWAP1, SUB, DUP1, PUSH1 3, JUMPI, STOP.
LOOP = "614e205b600190038060035700"
# Copies the 13 bytes behind these 12 to memory and gives them back as the code of the contract.
DEPLOYMENT = f"0x600d600c600039600d6000f3{LOOP}"
HEAD = f"{'transaction':12} {'client':>10} {'node':>10} {'together':>10} {'CPU of node':>12}"


class Node(NamedTuple):
    """A node that runs: its pid, and the connection on which it takes transactions."""

    pid: int
    connection: Connection

    def send(self, transaction: dict[str, Any]) -> dict[str, Any]:
        """Send a transaction; returns its receipt once a block holds it."""
        self.connection.send(transaction)
        receipt: dict[str, Any] = self.connection.recv()
        return receipt


def serve(connection: Connection) -> None:
    """The node: tells its accounts, then executes what comes, until the connection ends."""
    from eth_tester import EthereumTester, PyEVMBackend  # noqa: PLC0415 - the client does without

    chain = EthereumTester(PyEVMBackend())
    connection.send(chain.get_accounts())
    while (transaction := connection.recv()) is not None:
        receipt = chain.get_transaction_receipt(chain.send_transaction(transaction))
        connection.send({"contract": receipt["contract_address"], "gas": receipt["gas_used"]})


@contextmanager
def running_node() -> Iterator[tuple[Node, list[str]]]:
    """A node and its accounts."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        accounts = ours.recv()
        yield Node(process.pid or 0, ours), accounts
        ours.send(None)
    finally:
        process.join(10)
        process.kill()


def measure_all(monitor: EnergyMonitor) -> Iterator[Measurement]:
    """Each kind of transaction several times."""
    with running_node() as (node, (sender, receiver, *_)):
        usual = {"from": sender, "gas": 1_000_000, "max_fee_per_gas": 10**10, "max_priority_fee_per_gas": 10**9}
        contract = node.send({**usual, "to": "", "data": DEPLOYMENT})["contract"]
        kinds = {"transfer": {**usual, "to": receiver, "value": 1}, "loop": {**usual, "to": contract}}
        for label, transaction in kinds.items():
            node.send(transaction)  # the first one fills caches
            for _ in range(TRANSACTIONS):
                with monitor.measure(label, processes=[node.pid]) as m:
                    m.work["gas"] = node.send(transaction)["gas"]
                yield m


def line(m: Measurement) -> str:
    """One transaction, in the columns of `HEAD`."""
    (node,) = m.others
    joules = (m.attributed_energy_joules, node.attributed_energy_joules, m.attributed_with_others_joules)
    cells = ("unknown" if each is None else f"{each * 1e3:.1f} mJ" for each in joules)
    return f"{m.label:12} " + " ".join(f"{cell:>10}" for cell in cells) + f" {1e3 * (node.cpu_seconds or 0):>9.0f} ms"


def main() -> None:
    """Print a line for each transaction."""
    try:
        monitor = EnergyMonitor()
    except NotAvailable as error:
        sys.exit(f"{error}; fix: {error.fix}")
    with closing(monitor):
        print(HEAD)
        for m in measure_all(monitor):
            print(line(m))


if __name__ == "__main__":
    main()
