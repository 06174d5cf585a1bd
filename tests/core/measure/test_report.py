"""What stored measurements say together: only what was measured in the same way is averaged."""

from __future__ import annotations

import pytest

from collector_core.energy import KeptMeasurement, markdown_report
from collector_core.measure.operations import Operation, by_operation
from collector_core.measure.report import report


def kept(energy, method, components=(), *, label="build", **result):
    """One measurement, whose energy is all in its components."""
    shares = {name: energy / len(components) for name in components} if energy is not None else {}
    known = {"method": method, "energy_joules": energy, "components": shares, "duration_seconds": 2.0}
    return KeptMeasurement(1, 1.7e9, label, None, 0, known | result)


RAPL = [kept(joules, "rapl", ("cpu", "dram")) for joules in (88.0, 90.0)]
PSYS = [kept(joules, "rapl", ("host",)) for joules in (117.0, 119.0)]
MODEL = [kept(3.5, "model", ("cpu",), estimated=True)]


def rows(text):
    """The cells of the table of operations."""
    table = text.partition("## By operation")[2].partition("##")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]


def test_one_label_that_was_measured_in_different_ways_has_a_row_for_each():
    found = rows(markdown_report([RAPL[0], PSYS[0], MODEL[0], RAPL[1], PSYS[1]]))
    assert [[*row[:3], *row[-4:]] for row in found] == [
        ["`build`", "2", "89 J", "cpu+dram", "rapl", "", ""],
        ["`build`", "2", "118 J", "host", "rapl", "", "this"],
        ["`build`", "1", "3.50 J", "cpu", "model", "", ""],
    ]


def test_emissions_costs_and_others_have_columns_where_something_knows_them():
    assert not {"emissions", "cost", "with others"} & set(markdown_report(RAPL).split())
    measured = kept(
        90.0,
        "rapl",
        ("cpu",),
        attributed_energy_joules=10.0,
        attributed_with_others_joules=40.0,
        emissions_grams=0.01,
        cost=0.002,
        currency="EUR",
    )
    text = markdown_report([measured, *MODEL])
    assert "| attributed, mean | with others, mean | emissions, mean | cost, mean | duration, mean |" in text
    assert rows(text)[0][5:10] == ["10 J", "40 J", "10 mg", "2 mEUR", "2 s"]
    assert rows(text)[1][6:9] == ["", "", ""]


def test_of_each_label_one_way_of_measuring_is_quoted():
    other_host = [kept(joules, "rapl", ("cpu", "dram"), host="b") for joules in (10.0, 11.0, 12.0)]
    nothing = [kept(None, "", label="unknown")] * 3
    found = report([*RAPL, *MODEL * 5, *other_host, *nothing])
    assert [(each["label"], each["host"], each["scope"], each["count"]) for each in found["operations"]] == [
        ("build", "", ["cpu", "dram"], 2),
        ("build", "", ["cpu"], 5),
        ("build", "b", ["cpu", "dram"], 3),
        ("unknown", "", [], 3),
    ]
    assert [each["quoted"] for each in found["operations"]] == [False, False, True, True], "the most of those measured"
    assert found["operations"][2]["metrics"]["energy_joules"] == {
        "count": 3,
        "mean": 11.0,
        "minimum": 10.0,
        "maximum": 12.0,
        "deviation": 1.0,
    }
    assert "energy_joules" not in found["operations"][3]["metrics"]
    assert "deviation" not in report(MODEL)["operations"][0]["metrics"]["energy_joules"]
    assert found["measurements"] == 13


def test_a_sum_never_spans_methods_or_parts_of_the_machine():
    text = markdown_report([*RAPL, *PSYS, *MODEL])
    summary = text.splitlines()[2]
    assert "178 J of cpu+dram (rapl) in 2 of them" in summary
    assert "236 J of host (rapl) in 2 of them" in summary
    assert "3.50 J of cpu (model) in 1 of them" in summary
    assert "417" not in text


@pytest.mark.parametrize("components", [{}, None, ["cpu"]])
def test_a_measurement_without_energy_stays_with_the_others_of_its_kind(components):
    result = {"method": "rapl", "energy_joules": None, "components": components}
    without = KeptMeasurement(1, 1.7e9, "build", None, 1, result)
    groups = by_operation([without, *RAPL, *PSYS])
    assert {operation: len(group) for operation, group in groups.items()} == {
        Operation("build", "", "rapl", "cpu+dram"): 3,
        Operation("build", "", "rapl", "host"): 2,
    }


def test_labels_stay_together_in_the_order_in_which_they_came():
    others = [kept(5.0, "rapl", ("host",), label="test")]
    labels = [operation.label for operation in by_operation([RAPL[0], *others, PSYS[0]])]
    assert labels == ["build", "build", "test"]


def test_where_no_energy_is_known_the_report_says_so():
    assert "no energy" in markdown_report([kept(None, "rapl")])
