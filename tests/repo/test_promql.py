"""The reader of PromQL, by which panels and rules are judged, finds what is wrong and nothing else."""

import pytest

from tests import promql

DECLARED = {
    "energy_joules_total": frozenset({"component", "device"}),
    "energy_power_watts": frozenset({"component", "device"}),
    "machine_info": frozenset({"name"}),
    "up": frozenset(),
}


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up", {"up"}),
        ('sum by (job) (rate(a_total{x="b_total"}[$__rate_interval])) / on (job) c', {"a_total", "c"}),
        ("max_over_time((rate(a:b:rate[5m]))[1h:5m] offset 1d) or absent(d)", {"a:b:rate", "d"}),
        ("topk(3, a) unless on () (vector(1) > scalar(b))", {"a", "b"}),
    ],
)
def test_it_finds_every_metric(expression, names):
    assert promql.metrics_in(expression) == names


@pytest.mark.parametrize(
    "expression",
    [
        'energy_power_watts{job=~"$job", component="cpu"}',
        "sum by (job, component) (rate(energy_joules_total[$__rate_interval])) / 3600",
        "sum without (device) (energy_power_watts) > 3",
        "energy_power_watts * on (instance) group_left (name) machine_info",
        "sum by (component) (energy_power_watts) / ignoring (component) group_left () sum(energy_power_watts)",
        "sum by (component) (topk(3, energy_power_watts))",
        "max by (name) (energy_power_watts * on (instance) group_left (name) machine_info)",
        "up == 0 or vector(1)",
    ],
)
def test_what_is_right_has_no_problem(expression):
    assert promql.problems_of(expression, DECLARED) == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("energy_power_watt", "no metric is called energy_power_watt"),
        ('up{component="cpu"}', "a selector of up names the label component"),
        ("sum by (zone) (energy_power_watts)", "names the label zone"),
        ("sum without (zone) (energy_power_watts)", "names the label zone"),
        ("sum by (device) (sum by (component) (energy_power_watts))", "names the label device"),
        ("energy_power_watts * on (instance) group_left (colour) machine_info", "group (colour) names"),
        ("energy_power_watts / on (zone) machine_info", "on (zone) names"),
        ("sum by (job (up)", "sum by (job (up)"),
    ],
)
def test_what_is_wrong_is_named(expression, problem):
    assert any(problem in each for each in promql.problems_of(expression, DECLARED))


def test_it_knows_the_labels_of_a_result():
    assert promql.labels_of("sum by (job, component) (energy_power_watts)", DECLARED) == {"job", "component"}
    assert promql.labels_of("sum(energy_power_watts)", DECLARED) == set()
    assert promql.labels_of("machine_info", DECLARED) == {"name", *promql.LABELS_OF_A_TARGET}
