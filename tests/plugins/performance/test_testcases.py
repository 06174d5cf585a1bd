"""Snapshots of recorded situations; `published.prom` is what the other collectors show."""

import json
from pathlib import Path

import pytest

from collector_core.testing import cases


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, node, collector_golden):
    made = node(**case.options)
    made.run((case.folder / "root/published.prom").read_text(encoding="utf-8"))
    failures = [f"# failed: {part.name}: {type(part.error).__name__}\n" for part in made.harness.part_failures]
    snapshot = json.dumps(json.loads(made.collector._state.snapshots[-1].text), indent=1).splitlines()
    text = "".join(failures) + made.harness.exposition() + "".join(f"# {line}\n" for line in snapshot)
    collector_golden.check(text, case.expected)
