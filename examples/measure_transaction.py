"""What one blockchain transaction costs, on a chain of this process: `pip install '.[examples]'`, then run this file.

The chain is py-evm, Ethereum's virtual machine in Python, behind eth-tester. `send` stands for any awaitable that sends
a transaction: with another client, only that function changes.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from eth_tester import EthereumTester, PyEVMBackend

from collector_core import NotAvailable
from collector_core.energy import EnergyMonitor, Measurement, MeasurementStore, markdown_report

TRANSACTIONS = 5  # of each kind
# Copies 32 bytes to memory and gives them back as the code of the contract: PUSH1 32, PUSH1 0, RETURN.
CONTRACT = "0x60206000f3"
HEAD = f"{'transaction':12} {'energy':>10} {'share':>10} {'CPU':>8} {'memory':>9} {'time':>8}  method"


async def send(chain: EthereumTester, transaction: dict[str, Any]) -> str:
    """Send a transaction; returns once a block holds it."""
    number = await asyncio.to_thread(chain.send_transaction, transaction)
    return str(chain.get_transaction_receipt(number)["transaction_hash"])


def transactions(chain: EthereumTester) -> dict[str, dict[str, Any]]:
    """One of each kind, by its name."""
    sender, receiver = chain.get_accounts()[:2]
    usual = {"from": sender, "gas": 200_000, "max_fee_per_gas": 10**10, "max_priority_fee_per_gas": 10**9}
    return {"transfer": {**usual, "to": receiver, "value": 1}, "deployment": {**usual, "to": "", "data": CONTRACT}}


def line(m: Measurement) -> str:
    """One transaction, in the columns of `HEAD`."""
    energy, share = (
        "unknown" if joules is None else f"{joules * 1e3:.1f} mJ"
        for joules in (m.energy_joules, m.attributed_energy_joules)
    )
    memory = (m.memory_bytes or 0) / 1e6
    kind = f"{m.method} (estimate)" if m.estimated else m.method
    times = f"{m.cpu_seconds * 1e3:>5.1f} ms {memory:>6.1f} MB {m.duration_seconds * 1e3:>5.1f} ms"
    return f"{m.label:12} {energy:>10} {share:>10} {times}  {kind}"


async def measure_all(monitor: EnergyMonitor, store: MeasurementStore) -> None:
    """Measure each kind of transaction several times."""
    chain = EthereumTester(PyEVMBackend())
    for label, transaction in transactions(chain).items():
        await send(chain, transaction)  # the first one fills caches
        for _ in range(TRANSACTIONS):
            async with monitor.measure(label) as m:
                await send(chain, transaction)
            store.add(m)
            print(line(m))


def main() -> None:
    """Print a line for each transaction, and a report at the end."""
    try:
        monitor = EnergyMonitor()
    except NotAvailable as error:
        sys.exit(f"{error}; fix: {error.fix}")
    with TemporaryDirectory() as folder, closing(MeasurementStore(Path(folder, "transactions.db"))) as store:
        with closing(monitor):
            print(HEAD)
            asyncio.run(measure_all(monitor, store))
        print()
        print(markdown_report(store.measurements()), end="")


if __name__ == "__main__":
    main()
