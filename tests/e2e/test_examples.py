"""The examples run as they stand."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(example):
    command = [sys.executable, EXAMPLES / example]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


@pytest.fixture
def evm():
    if importlib.util.find_spec("eth_tester") is None:
        pytest.skip("eth-tester is not installed: pip install '.[examples]'")


def test_transactions_of_a_real_chain_are_measured(evm):
    done = run("measure_transaction.py")
    assert done.returncode == 0, done.stderr
    for label in ("transfer", "deployment"):
        lines = re.findall(rf"^{label} .*$", done.stdout, re.MULTILINE)
        assert len(lines) == 5
        for line in lines:
            assert re.search(r" [1-9]\d*\.\d mJ .* ms .* MB .* ms  (rapl|model|meter|nvml|power)", line), line
        assert re.search(rf"^\| `{label}` \| 5 \| [\d.]+ m?J \|", done.stdout, re.MULTILINE)
    assert "## Suggestions" in done.stdout


def test_a_contract_that_loops_costs_more_than_a_transfer_once_the_node_is_measured_too(evm):
    done = run("measure_node.py")
    assert done.returncode == 0, done.stderr
    costs = {}
    for label in ("transfer", "loop"):
        lines = re.findall(rf"^{label} .* ([\d.]+) mJ +(\d+) ms$", done.stdout, re.MULTILINE)
        assert len(lines) == 3, done.stdout
        costs[label] = [(float(joules), int(cpu)) for joules, cpu in lines]
    assert min(cpu for _, cpu in costs["loop"]) > 2 * max(cpu for _, cpu in costs["transfer"])
    assert min(joules for joules, _ in costs["loop"]) > 0
    assert sum(joules for joules, _ in costs["loop"]) > sum(joules for joules, _ in costs["transfer"])
