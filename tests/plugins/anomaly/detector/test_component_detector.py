"""Components as a whole: a robust Mahalanobis distance, and the small linear algebra below it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly import cholesky
from collector_plugins.anomaly.detector import Detector, Settings, Verdict
from collector_plugins.anomaly.detector.component_detector import MAX_DIMENSIONS, ComponentDetector


def detector(**settings):
    return ComponentDetector(Detector(Settings(level=3.0, **settings), row_seconds=60))


def after(sizes, rows=2000):
    """A detector after so many rows, and whether anything began."""
    found = detector()
    begun = [found.update(sizes(row), 60.0 * row) for row in range(rows)]
    return found, any(begun)


@pytest.fixture
def together():
    """Power and use always go together, heat by itself."""
    random = Random(3)

    def sizes(row):
        common = random.gauss(0, 1)
        return {
            "power": common + random.gauss(0, 0.1),
            "use": common + random.gauss(0, 0.1),
            "heat": random.gauss(0, 1),
        }

    return sizes


@pytest.fixture
def learnt(together):
    found, begun = after(together)
    assert not begun
    return found


def begins(found, sizes, rows=20):
    return any(found.update(sizes, 60.0 * (2000 + row)) for row in range(rows))


def test_series_that_always_went_together_and_part_are_unusual(learnt):
    assert begins(learnt, {"power": 3.2, "use": -3.2, "heat": 0.0})


def test_the_same_sizes_in_the_usual_direction_are_not(learnt):
    assert not begins(learnt, {"power": 2.5, "use": 2.5, "heat": 0.0}, rows=1)


def test_one_series_alone_is_an_anomaly_of_its_own(learnt):
    assert not begins(learnt, {"power": 0.1, "use": 0.1, "heat": 8.0})


@pytest.mark.parametrize(
    ("largest", "second", "is_unusual"), [(3.0, -2.0, True), (2.9, -2.9, False), (7.0, -1.9, False)]
)
def test_two_must_be_off(learnt, largest, second, is_unusual):
    assert begins(learnt, {"power": largest, "use": second, "heat": 0.0}) is is_unusual


def test_a_component_that_is_calmer_than_usual_is_not_unusual(together):
    found, _ = after(together)
    assert not begins(found, {"power": 0.0, "use": 0.0, "heat": 0.0}, rows=300)


@pytest.mark.parametrize(("size", "is_unusual"), [(0.5, True), (0.0, False), (-5.0, False), (None, False)])
def test_only_a_distance_above_the_usual_is_unusual(learnt, size, is_unusual):
    class Alarming:
        def update(self, distance, when):
            verdict = Verdict()
            verdict.onset, verdict.warming_up, verdict.size = True, False, size
            return verdict

    learnt.detector = Alarming()
    assert learnt.update({"power": 5.0, "use": -5.0, "heat": 0.0}, 60.0 * 2000) is is_unusual


def test_a_row_without_one_of_the_metrics_is_not_judged(learnt):
    assert learnt.update({"power": 9.0, "use": -9.0}, 60.0 * 2000) is False
    assert learnt.verdict is None


def test_a_metric_that_is_gone_does_not_silence_the_others(learnt):
    learnt.keep_only({"power", "use"})
    assert begins(learnt, {"power": 3.2, "use": -3.2})


def test_forgetting_one_metric_keeps_what_is_known_of_the_others(learnt):
    before = learnt.state()
    names = before["names"]
    gone = names.index("heat")
    learnt.keep_only({"power", "use"})
    state = learnt.state()
    assert state["names"] == [name for name in names if name != "heat"]
    kept = [[v for o, v in enumerate(row) if o != gone] for p, row in enumerate(before["matrix"]) if p != gone]
    assert state["matrix"] == kept


def test_a_new_metric_joins_with_variance_1_and_no_covariance(learnt):
    learnt.update({"power": 0.0, "use": 0.0, "heat": 0.0, "fan": 0.0}, 60.0 * 2000)
    state = learnt.state()
    assert state["names"] == ["power", "use", "heat", "fan"]
    assert [round(each, 2) for each in state["matrix"][3]] == [0.0, 0.0, 0.0, 1.0]
    assert len({len(row) for row in state["matrix"]}) == 1


def test_at_most_eight_metrics_are_looked_at():
    found = detector()
    sizes = {f"metric_{number}": 1.0 for number in range(12)}
    found.update(sizes, 0.0)
    assert found.state()["names"] == list(sizes)[:MAX_DIMENSIONS]


def test_one_metric_alone_is_no_component():
    found = detector()
    assert not any(found.update({"power": 50.0}, 60.0 * row) for row in range(500))
    assert found.state()["rows"] == 0


def test_nothing_is_judged_before_150_rows(together):
    found = detector()
    for row in range(149):
        assert found.update(together(row), 60.0 * row) is False
    assert found.verdict is None
    found.update(together(0), 60.0 * 150)
    assert found.verdict is not None


def test_nothing_begins_while_its_detector_warms_up(together):
    found = detector(warm_up_rows=3000)
    for row in range(2000):
        found.update(together(row), 60.0 * row)
    assert not begins(found, {"power": 8.0, "use": -8.0, "heat": 0.0})


def test_the_covariance_is_that_of_the_sizes():
    random = Random(5)
    found = detector()
    for row in range(1500):
        one = random.gauss(0, 1)
        found.update({"a": one, "b": 0.5 * one + random.gauss(0, 0.5)}, 60.0 * row)
    (aa, ab), (ba, bb) = found.state()["matrix"]
    assert (aa, ab, bb) == pytest.approx((1.0, 0.5, 0.5), abs=0.12)
    assert ab == ba


def test_a_row_counts_a_two_thousandth_once_many_are_known():
    found = detector()
    for row in range(2500):
        found.update({"a": 0.0, "b": 0.0}, 60.0 * row)
    found.update({"a": 4.0, "b": 0.0}, 60.0 * 2500)
    assert found.state()["matrix"][0][0] == pytest.approx(16.0 / 2000, rel=0.15)


def test_metrics_that_hardly_ever_vary_have_a_least_variance():
    found = detector()
    for row in range(1000):
        found.update({"a": 0.0, "b": 0.0}, 60.0 * row)
    assert found._distance([1.0, 1.0]) == pytest.approx((1 / 0.05) ** 0.5)


def test_an_outlier_counts_at_most_eight_scales():
    found = detector()
    found.update({"a": 1e9, "b": -1e9}, 0.0)
    (aa, ab), (_, bb) = found.state()["matrix"]
    assert (aa, ab, bb) == (0.5 + 32, -32.0, 0.5 + 32)


def test_eight_metrics_go_on_where_they_were_saved():
    found = detector()
    found.update({f"metric_{number}": 1.0 for number in range(8)}, 0.0)
    again = detector()
    again.restore(found.state(), found.detector)
    assert again.state() == found.state()


def test_it_goes_on_where_it_was_saved(together):
    found, _ = after(together, rows=300)
    again = detector()
    again.restore(found.state(), found.detector)
    assert again.state() == found.state()
    sizes = {"power": 1.0, "use": 0.5, "heat": 2.0}
    assert again.update(sizes, 0.0) == found.update(sizes, 0.0)


@pytest.mark.parametrize(
    "change",
    [{"names": None}, {"names": ["a"]}, {"names": ["a", "b", 3]}, {"matrix": [[1.0]]}, {"matrix": [[1.0] * 3] * 2},
     {"matrix": [[1.0, 1.0, "1"]] * 3}, {"matrix": [[1.0, 1.0, float("nan")]] * 3}, {"rows": "7"},
     {"matrix": [[1.0] * 3, [1.0] * 3, [1.0] * 2]}, {"rows": float("nan")},
     {"names": list("abcdefghi"), "matrix": [[1.0] * 9] * 9}],
)  # fmt: skip
def test_a_damaged_state_is_refused(together, change):
    found, _ = after(together, rows=20)
    with pytest.raises(ValueError, match="damaged"):
        detector().restore(found.state() | change, found.detector)


class TestCholesky:
    def test_a_mahalanobis_distance_knows_what_goes_together(self):
        related = [[1.0, 0.9], [0.9, 1.0]]
        assert cholesky.quadratic_form([[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0]) == pytest.approx(25.0)
        assert cholesky.quadratic_form(related, [2.0, 2.0]) == pytest.approx(8 / 1.9)
        assert cholesky.quadratic_form(related, [2.0, -2.0]) == pytest.approx(8 / 0.1)

    def test_a_matrix_that_is_barely_positive_definite_has_a_factor(self):
        assert cholesky.quadratic_form([[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0]) == pytest.approx(1.0)
        assert cholesky.quadratic_form([[1.0, 1.0], [1.0, 1.0]], [1.0, 2.0]) == pytest.approx(1e9)

    @given(st.data(), st.integers(1, 6))
    def test_what_is_solved_fits(self, data, size):
        values = st.lists(st.floats(-3, 3), min_size=size, max_size=size)
        rows = data.draw(st.lists(values, min_size=size, max_size=size))
        wanted = data.draw(values)
        matrix = [
            [
                sum(a * b for a, b in zip(one, other, strict=True)) + (place == column)
                for column, other in enumerate(rows)
            ]
            for place, one in enumerate(rows)
        ]
        product = [sum(a * x for a, x in zip(row, wanted, strict=True)) for row in matrix]
        assert cholesky.solve(matrix, product) == pytest.approx(wanted, abs=1e-6)
        form = sum(x * y for x, y in zip(wanted, product, strict=True))
        assert cholesky.quadratic_form(matrix, product) == pytest.approx(form, abs=1e-6)

    def test_only_the_lower_triangle_is_read(self):
        whole = [[4.0, 2.0, 1.0], [2.0, 5.0, 3.0], [1.0, 3.0, 6.0]]
        lower = [row[: place + 1] for place, row in enumerate(whole)]
        assert cholesky.solve(lower, [1.0, 2.0, 3.0]) == cholesky.solve(whole, [1.0, 2.0, 3.0])
