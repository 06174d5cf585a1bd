"""`make bench` loses nothing when a row fails, and compares only what is counted."""

import json

import pytest

from bench import report
from bench.figures import Figure, Table


def counted(value: float, title: str = "modules") -> Figure:
    return Figure("counts", title, "modules", [value], counted=True)


@pytest.fixture
def kept(tmp_path):
    return report.Report({"python": "3.11.7"}, tmp_path / "new/results")


def test_every_row_is_on_disk_as_soon_as_it_is_there(kept, tmp_path):
    kept.add([counted(10)])
    kept.skip("paced: failed: ZeroDivisionError()")
    found = json.loads((tmp_path / "new/results/latest.json").read_text())
    assert [figure["value"] for figure in found["figures"]] == [10]
    assert found["skipped"] == ["paced: failed: ZeroDivisionError()"]
    kept.add([Table("imports", "Imports", ("module", "ms"), [("a", 1.0)])])
    assert "## Imports" in (tmp_path / "new/results/latest.md").read_text()


def test_a_row_that_cannot_be_shown_leaves_the_others(kept, tmp_path):
    kept.add([counted(10)])
    with pytest.raises(ZeroDivisionError):
        kept.add([Figure("throughput", "Requests", "1/s", [100], [0])])
    kept.skip("throughput: failed")
    assert "modules" in (tmp_path / "new/results/latest.md").read_text()


@pytest.mark.parametrize(("now", "said"), [(100, 0), (109, 0), (112, 1), (50, 0)])
def test_only_counts_that_have_grown_are_told(kept, tmp_path, now, said):
    kept.add([counted(100), Figure("paced", "CPU", "ms", [1.0])])
    results = [counted(now), counted(999, "new"), Figure("paced", "CPU", "ms", [1000.0])]
    assert len(report.grown(results, tmp_path / "new/results/latest.json", "3.11.2")) == said
    assert not report.grown(results, tmp_path / "new/results/latest.json", "3.12.7")
