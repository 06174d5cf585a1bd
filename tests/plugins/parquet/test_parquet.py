"""A file is there when it is whole, and a batch makes one file however often it is written."""

import json
from datetime import UTC, datetime

import pytest

from collector_core.storage import StorageError
from collector_plugins.parquet import Parquet
from tests.sample_blocks import ENERGY, POWER, Runs, make_output

pytest.importorskip("pyarrow")
VALUES = {(POWER, "a"): 12.5, (ENERGY, "a"): 3600.0}


@pytest.fixture
def output(tmp_path):
    return lambda **options: make_output(Parquet, directory=tmp_path / "rows", **options)


def read(tmp_path):
    from pyarrow import parquet

    return [parquet.read_table(path) for path in sorted((tmp_path / "rows").glob("*.parquet"))]


def payloads(made, *seconds):
    runs = Runs()
    return [made.encode_block(block) for second in seconds for block in runs.blocks(second, VALUES)]


def test_rows_have_times_in_utc_and_labels_in_json(output, tmp_path):
    made = output()
    made.send_payloads(payloads(made, 1.5, 2.5), may_repeat=False)
    (table,) = read(tmp_path)
    assert str(table.schema.field("timestamp").type) == "timestamp[ms, tz=UTC]"
    row = table.to_pylist()[0]
    assert (row["timestamp"], row["name"]) == (datetime.fromtimestamp(1.5, UTC), "probe_power_watts")
    assert (json.loads(row["labels"]), row["value"], table.num_rows) == ({"plug": "a"}, 12.5, 4)


def test_a_batch_that_comes_again_makes_no_second_file(output, tmp_path):
    made = output()
    batch = payloads(made, 1, 2)
    made.send_payloads(batch, may_repeat=False)
    output().send_payloads(batch, may_repeat=True)
    made.send_payloads(payloads(made, 3), may_repeat=False)
    assert [table.num_rows for table in read(tmp_path)] == [4, 2]


def test_what_a_crash_leaves_of_a_file_goes_when_its_batch_comes_again(output, tmp_path):
    made = output()
    batch = payloads(made, 1, 2)
    made.send_payloads(batch, may_repeat=False)
    (file,) = (tmp_path / "rows").iterdir()
    file.rename(file.with_name(f".{file.name}.0123456789abcdef.part")).write_text("half")
    output().send_payloads(batch, may_repeat=True)
    assert list((tmp_path / "rows").iterdir()) == [file]
    assert [table.num_rows for table in read(tmp_path)] == [4]
    assert file.stat().st_mode & 0o777 == 0o644


def test_old_files_go(output, tmp_path):
    made = output(keep=2)
    for second in range(5):
        made.send_payloads(payloads(made, second), may_repeat=False)
    assert [table.to_pylist()[0]["timestamp"].timestamp() for table in read(tmp_path)] == [3, 4]


def test_rows_wait_until_a_file_is_due(output):
    made = output(rotate_every="2h", rotate_bytes=5000)
    assert (made.batch_seconds, made.batch_bytes, made.repeats_exactly) == (7200.0, 5000, True)


def test_a_folder_that_is_none_is_named_with_what_to_do(output, tmp_path):
    (tmp_path / "rows").symlink_to(tmp_path / "nowhere")
    made = output()
    for call in (made.test, lambda: made.send_payloads(payloads(made, 1), may_repeat=False)):
        with pytest.raises(StorageError, match="it is not a folder") as caught:
            call()
        assert caught.value.fix
