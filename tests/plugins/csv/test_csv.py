"""Files hold whole rows, each once, whatever happens between two of them."""

import csv
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core.storage import StorageError
from collector_plugins.csv import Csv
from collector_plugins.csv.rows import HEADER, PAGE, paged, plain
from tests.sample_blocks import ENERGY, POWER, Runs, make_output

VALUES = {(POWER, 'a "b", c'): 12.5, (ENERGY, "x"): 3600.0}


@pytest.fixture
def output(tmp_path):
    return lambda **options: make_output(Csv, **{"directory": tmp_path / "rows"} | options)


def files(tmp_path):
    return sorted((tmp_path / "rows").glob("*.csv"))


def rows(tmp_path):
    found = []
    for path in files(tmp_path):
        with path.open(newline="") as file:
            found += csv.DictReader(file)
    return found


def payload(made, second, values=VALUES, runs=None):
    (block,) = (runs or Runs()).blocks(second, values)
    return made.encode_block(block)


def test_a_row_has_the_time_of_the_run_and_labels_in_json(output, tmp_path):
    made = output()
    made.send_payloads([payload(made, 1700000000.1234)], may_repeat=False)
    first, second = rows(tmp_path)
    assert list(first) == ["timestamp", "name", "labels", "value"]
    assert first["timestamp"] == "2023-11-14T22:13:20.123+00:00"
    assert (first["name"], json.loads(first["labels"]), first["value"]) == (
        "probe_power_watts",
        {"plug": 'a "b", c'},
        "12.5",
    )
    assert float(second["value"]) == 3600


def test_what_may_repeat_is_written_only_where_it_is_missing(output, tmp_path):
    made = output()
    payloads = [payload(made, second) for second in range(50)]
    made.send_payloads(payloads[:30], may_repeat=False)
    output().send_payloads(payloads, may_repeat=True)
    times = [row["timestamp"] for row in rows(tmp_path)]
    assert len(times) == 100
    assert times == sorted(times)


def test_a_row_that_is_there_in_part_is_cut_off(output, tmp_path):
    made = output()
    made.send_payloads([payload(made, 1)], may_repeat=False)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + b"2023-11-14T22:13")
    again = output()
    again.send_payloads([payload(made, 1), payload(made, 2)], may_repeat=True)
    assert path.read_bytes().startswith(whole)
    assert len(rows(tmp_path)) == 4


def test_a_new_file_begins_when_one_is_old_or_large_and_old_ones_go(output, tmp_path):
    made = output(rotate_every="1h", rotate_bytes=2000, keep=3)
    for second in range(100):
        made.send_payloads([payload(made, second)], may_repeat=False)
    found = files(tmp_path)
    assert len(found) == 3
    assert all(path.stat().st_size <= 2000 for path in found)
    made.ctx.clock.advance(3601)
    made.send_payloads([payload(made, 200)], may_repeat=False)
    assert len(files(tmp_path)[-1].read_bytes().splitlines()) == 3


def test_after_an_error_the_file_is_as_before(output, tmp_path, monkeypatch):
    made = output()
    made.send_payloads([payload(made, 1)], may_repeat=False)
    (path,) = files(tmp_path)
    before = path.read_bytes()

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(StorageError, match="No space") as caught:
        made.send_payloads([payload(made, 2)], may_repeat=False)
    assert path.read_bytes() == before
    assert (caught.value.storage_reason, caught.value.fix) == ("disk_full", "free up space on its disk")


@pytest.mark.parametrize("kind", ["file", "dangling", "loop", "below a file"])
def test_a_folder_that_is_none_is_named_with_what_to_do(output, tmp_path, kind):
    place = tmp_path / "rows"
    if kind in ("file", "below a file"):
        place.write_text("")
    else:
        place.symlink_to(tmp_path / "nowhere" if kind == "dangling" else place)
    made = output(directory=place / "sub") if kind == "below a file" else output()
    for call in (made.test, lambda: made.send_payloads([payload(made, 1)], may_repeat=False)):
        with pytest.raises(StorageError, match="folder|directory") as caught:
            call()
        assert str(place) in str(caught.value)
        assert caught.value.fix


def test_other_programs_may_read_the_files(output, tmp_path):
    made = output()
    made.send_payloads([payload(made, 1)], may_repeat=False)
    (path,) = files(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o644


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=40), st.integers(0, 3 * PAGE))
def test_no_row_that_fits_into_a_page_lies_in_two_writes_or_across_a_page(lengths, size):
    made = [b't,n,"{""a"":""' + b"x" * length + b'""}",1.0\n' for length in lengths]
    pieces, place = list(paged(made, size)), size
    for piece in pieces:
        assert piece.endswith(b"\n")
        if place != size:
            assert place // PAGE == (place + len(piece) - 1) // PAGE
        place += len(piece)
    assert list(map(plain, b"".join(pieces).splitlines(keepends=True))) == made


def test_the_header_comes_first(output, tmp_path):
    made = output()
    made.test()
    made.send_payloads([payload(made, 1)], may_repeat=False)
    assert files(tmp_path)[0].read_bytes().startswith(HEADER)


def test_a_folder_is_needed():
    with pytest.raises(ValidationError):
        Csv.config_type.model_validate({})
