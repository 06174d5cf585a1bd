"""Recorded situations; `published.prom` is what the other collectors show."""

from pathlib import Path

import pytest

from collector_core.testing import cases

RUNS = 40


@pytest.mark.parametrize("case", cases(Path(__file__).parent / "testcases"), ids=str)
def test_a_case_gives_what_is_expected(case, watch, collector_golden):
    subject = watch(**case.options)
    for tree in case.trees:
        text = (case.folder / tree / "published.prom").read_text(encoding="utf-8")
        for _ in range(RUNS):
            subject.run(text)
    failures = [f"# failed: {part.name}: {type(part.error).__name__}\n" for part in subject.harness.part_failures]
    alerts = [f"# {alert.severity} {alert.name}: {alert.summary}\n" for alert in subject.collector._firing]
    collector_golden.check("".join(failures) + subject.harness.exposition() + "".join(alerts), case.expected)
