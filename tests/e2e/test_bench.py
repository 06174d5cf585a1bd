"""The benchmark itself works: its quickest rows, without judging any figure."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_benchmark_writes_a_table_and_json(require, tmp_path):
    require("prometheus-node-exporter")
    command = [sys.executable, "-m", "bench", "--quick", "--to", tmp_path, "start", "render", "isolation", "measure"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "| Start to first complete scrape |" in done.stdout
    written = json.loads((tmp_path / "latest.json").read_text())
    assert {figure["row"] for figure in written["figures"]} == {"start", "render", "isolation", "measure"}
