"""Files that other programs left, as they left them."""

import shutil
from pathlib import Path

import pytest

from collector_core.prometheus_text import read_samples
from collector_core.testing import Harness
from collector_plugins.textfile import VALID, Textfile


@pytest.fixture
def published():
    """Run the plugin on a folder: its exposition, and which files are valid."""
    made = []

    def run(folder):
        made.append(harness := Harness(Textfile, directories=[str(folder)]))
        harness.run()
        valid = {Path(file).name: bool(value) for (file,), value in harness.series(VALID).items()}
        return harness.exposition(), valid, {failure.name.rpartition("/")[2] for failure in harness.part_failures}

    yield run
    for harness in made:
        harness.close()


def test_textfile_quoted_names(case, published):
    text, valid, _ = published(case("svc/textfile-quoted-names"))
    assert valid == {"quoted.prom": True}
    assert 'disk_used{host_name="a"} 17.0' in text
    assert 'tank_fill_ratio{host_name="a",room="b"} 0.25' in text


def test_textfile_smart(case, published):
    text, valid, failed = published(case("svc/textfile-smart"))
    assert {name for name, is_valid in valid.items() if is_valid} == {"labels.prom"}
    assert failed == {"info.prom", "locale.prom", "quote.prom", "slash.prom", "twice.prom"}
    assert text.count("\nsmartmon_device_info{") == 2


def test_textfile_windows(case, published):
    text, valid, failed = published(case("svc/textfile-windows"))
    assert valid == {"crlf.prom": True, "indented.prom": True, "bom.prom": False}
    assert failed == {"bom.prom"}
    assert 'a_bytes{directory="."} 8192.0' in text
    assert 'b_state{state="OK"} 1.0' in text


def test_page_with_blanks(case, published, tmp_path):
    page = case("svc/page-with-blanks") / "page.txt"
    samples = {sample.name: sample.value for sample in read_samples(page.read_bytes())}
    assert samples == {"vllm:request_success_total": 10, "vllm:num_requests_running": 2}
    wanted = read_samples(page.read_bytes(), {"vllm:num_requests_running"})
    assert [sample.value for sample in wanted] == [2]
    shutil.copy(page, tmp_path / "page.prom")
    assert published(tmp_path)[1] == {"page.prom": False}  # a file has no timestamps
