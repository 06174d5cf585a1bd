"""The parser of nvidia-smi's tables, against captured shapes and nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector_plugins.nvidia import csvtable, fields, metrics
from collector_plugins.nvidia.gpu import Series
from collector_plugins.nvidia.smi import Output, complaint, known_fields

CAPTURES = sorted((Path(__file__).resolve().parents[4] / "shared/fixtures/nvidia/csv").glob("*.csv"))

HEAD = "index, uuid, name, power.draw [W], memory.used [MiB]\n"


def parse(text):
    return csvtable.parse(text, "index", "name")


def one(text):
    (found,), failures = fields.gpus(parse(HEAD + text))
    assert not failures
    return found


def test_units_of_the_head_become_base_units():
    gpu = one("0, GPU-a, NVIDIA A100, 100.50, 1024\n")
    assert (gpu.index, gpu.uuid, gpu.power) == ("0", "GPU-a", 100.5)
    assert gpu.series[Series(metrics.MEMORY_USED)] == 1024 * 1024 * 1024


def test_units_behind_the_numbers_are_read_too():
    assert one("0, GPU-a, NVIDIA A100, 100.50 W, 1024 MiB\n").power == 100.5


def test_a_name_may_hold_commas():
    gpu = one("0, GPU-a, Quadro RTX 6000, rev 2, passive, 71.00, 5\n")
    assert Series(metrics.GPU_INFO, ("Quadro RTX 6000, rev 2, passive", "")) in gpu.series
    assert gpu.power == 71.0


@pytest.mark.parametrize(
    "token",
    [
        *("[N/A]", "N/A", "[n/a]", "[Not Supported]", "[not supported]", "[Insufficient Permissions]", ""),
        *("[Requested functionality has been deprecated]", "[Function Not Found]"),
    ],
)
def test_what_is_absent_is_absent_and_no_problem(token):
    gpu = one(f"0, GPU-a, x, {token}, 5\n")
    assert gpu.power is None
    assert gpu.problems == ()


@pytest.mark.parametrize(
    "token", ["[Unknown Error]", "[GPU requires reset]", "ERR!", "[ERR!]", "nan", "inf", "1_0", "-5"]
)
def test_what_should_be_a_number_and_is_none_is_absent_and_a_problem(token):
    gpu = one(f"0, GPU-a, x, {token}, 5\n")
    assert gpu.power is None
    (problem,) = gpu.problems
    assert problem.startswith("power.draw ")
    assert gpu.series[Series(metrics.MEMORY_USED)] == 5 << 20


def test_another_unit_than_expected_is_a_problem_and_no_number():
    (gpu,), _ = fields.gpus(parse("index, uuid, power.draw [mW]\n0, GPU-a, 5\n"))
    assert (gpu.power, gpu.problems) == (None, ("power.draw is in mW and not in W",))
    assert one("0, GPU-a, x, 5 kW, 5\n").problems == ("power.draw is in kW and not in W",)


def test_below_zero_it_may_be_cold():
    (gpu,), _ = fields.gpus(parse("index, uuid, temperature.gpu\n0, GPU-a, -12\n"))
    assert gpu.series[Series(metrics.TEMPERATURE)] == -12


def test_a_row_that_was_cut_off_is_no_row_and_the_others_stay():
    table = parse(HEAD + "0, GPU-a, x, 1.0, 5\n1, GPU-b, x, 2")
    assert [row["index"] for row in table.rows] == ["0"]
    assert table.strays == ["1, GPU-b, x, 2"]


def test_a_row_that_was_cut_off_in_its_last_number_is_no_row():
    table = parse(HEAD + "0, GPU-a, x, 1.0, 52")
    assert (table.rows, table.strays) == ([], ["0, GPU-a, x, 1.0, 52"])


def test_the_driver_may_complain_between_the_rows():
    lost = "Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system."
    table = parse(f"{HEAD}0, GPU-a, x, 1.0, 5\n{lost}\n2, GPU-c, x, 3.0, 5\n")
    assert [row["index"] for row in table.rows] == ["0", "2"]
    assert table.strays == [lost]


def test_a_gpu_that_is_listed_twice_counts_once():
    found, failures = fields.gpus(parse(HEAD + "0, GPU-a, x, 1.0, 5\n0, GPU-b, x, 2.0, 5\n"))
    assert [gpu.uuid for gpu in found] == ["GPU-a"]
    assert len(failures) == 1


def test_what_a_login_shell_writes_first_does_not_disturb():
    banner = "*** maintenance on Friday, 18:00 ***\nindex of news: none\n\n"
    assert [row["index"] for row in parse(f"{banner}{HEAD}0, GPU-a, x, 1.0, 5\n").rows] == ["0"]


def test_lines_may_end_as_on_windows():
    assert parse(HEAD.replace("\n", "\r\n") + "0, GPU-a, x, 1.0, 5\r\n").rows[0]["memory.used"] == "5"


@pytest.mark.parametrize(
    "text", ["", "\n", "No devices were found\n", "\x00\xff,,,\n", "uuid, index\n1, 2\n", HEAD[:-2] + "?\n"]
)
def test_without_a_head_there_is_no_table(text):
    assert parse(text) is None


@pytest.mark.parametrize(("bits", "reasons"), [("0x0", set()), ("0x0000000000000005", {"gpu_idle", "sw_power_cap"})])
def test_event_reasons_are_bits(bits, reasons):
    (gpu,), _ = fields.gpus(parse(f"index, uuid, clocks_event_reasons.active\n0, GPU-a, {bits}\n"))
    told = {labels[0]: value for (metric, labels), value in gpu.series.items() if metric is metrics.THROTTLED}
    assert {reason for reason, value in told.items() if value} == reasons
    assert len(told) == 9


@pytest.mark.parametrize(("mode", "value"), [("Enabled", 1.0), ("Disabled", 0.0), ("[N/A]", None)])
def test_the_mig_mode_is_a_number(mode, value):
    (gpu,), _ = fields.gpus(parse(f"index, uuid, mig.mode.current\n0, GPU-a, {mode}\n"))
    assert gpu.series.get(Series(metrics.MIG_ENABLED)) == value


def test_of_two_names_the_one_the_driver_knows_is_asked_for():
    new = {"index", "uuid", "clocks_event_reasons.active", "clocks_throttle_reasons.active"}
    old = {"index", "gpu_uuid", "clocks_throttle_reasons.active"}
    assert fields.choose(new) == ["index", "uuid", "clocks_event_reasons.active"]
    assert fields.choose(old) == ["index", "gpu_uuid", "clocks_throttle_reasons.active"]
    assert "clocks_throttle_reasons.active" in fields.choose(None, {"clocks_event_reasons.active"})


def test_the_help_names_fields_at_the_start_of_lines_one_or_more_of_them():
    both = '"clocks_event_reasons.active" or "clocks_throttle_reasons.active"'
    text = f'List of "properties":\n\n"index"\nZero based "index".\n\n{both}\nBits.\n'
    assert known_fields(text) == {"index", "clocks_event_reasons.active", "clocks_throttle_reasons.active"}
    assert known_fields("Invalid combination of input arguments.\n") is None


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
cells = st.one_of(st.sampled_from(["[N/A]", "0", "GPU-a", "1.5 W", "0x4", "ERR!", "Enabled"]), texts)
tables = st.lists(st.lists(cells, max_size=8).map(", ".join), max_size=6).map(lambda rows: HEAD + "\n".join(rows))


@given(st.one_of(texts, tables))
@example("index\n" * 3)
@example("index, index\n1, 2\n")
def test_whatever_is_printed_gives_numbers_or_reasons_and_never_raises(text):
    table = parse(text)
    known_fields(text)
    complaint(Output(9, text))
    if table is None:
        return
    found, failures = fields.gpus(table)
    for gpu in found:
        assert all(abs(value) < 1e30 for value in gpu.series.values())
    assert all(len(str(error)) < 2000 for error in failures.values())


@pytest.mark.skipif(not CAPTURES, reason="the shared captures are not beside this checkout")
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda file: file.stem)
def test_captures_of_real_drivers_are_read_without_a_problem(capture):
    table = csvtable.parse(capture.read_text(), "timestamp", "name")
    (gpu,), failures = fields.gpus(table)
    assert (gpu.problems, failures) == ((), {})
    row = table.rows[0]
    assert gpu.power == float(row["power.draw"].split()[0])
    assert gpu.series[Series(metrics.MEMORY_TOTAL)] == float(row["memory.total"].split()[0]) * 2**20
    assert (Series(metrics.FAN_SPEED) in gpu.series) == (row["fan.speed"] != "[N/A]")
