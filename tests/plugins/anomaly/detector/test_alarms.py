"""One event is one alarm; movements that levels do not show; a state of the release before."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly.detector import Detector
from collector_plugins.anomaly.detector.alarm_gate import REPEAT_FACTOR, REPEAT_ROWS, AlarmGate
from collector_plugins.anomaly.detector.detector import INHERITED, KINDS
from collector_plugins.anomaly.detector.movements import FIRST_ROWS, Movements
from collector_plugins.anomaly.detector.value_ranges import DOUBTED_ROWS

START = 1_700_006_400


class TestAlarmGate:
    def test_what_goes_on_and_grows_is_the_same_alarm(self):
        gate = AlarmGate(100)
        assert [gate.begins(row, 1.0 + row / 100) for row in range(REPEAT_ROWS + 1)] == [True] + [False] * REPEAT_ROWS

    def test_what_is_three_times_as_strong_is_another(self):
        gate = AlarmGate(100)
        assert gate.begins(0, 1.0)
        assert gate.begins(1, REPEAT_FACTOR)

    def test_the_bar_halves(self):
        gate = AlarmGate(50)
        assert gate.begins(0, 1.0)
        assert not gate.begins(50, 0.49)
        assert gate.begins(51, 0.5)

    def test_restored_it_goes_on(self):
        gate, again = AlarmGate(50), AlarmGate(50)
        gate.begins(10, 1.0)
        again.restore(20, *gate.state(20))
        assert again.state(30) == pytest.approx(gate.state(30))
        assert not again.begins(30, 2.0)

    def test_an_impossible_state_is_refused(self):
        with pytest.raises(ValueError, match="shape"):
            AlarmGate(50).restore(3, -1.0)


class TestMovements:
    def test_a_series_that_becomes_livelier_or_calmer_shows_it(self):
        dice, movements = random.Random(1), Movements()
        for _ in range(1000):
            movements.add(dice.gauss(0, 1), 1e-6)
        calm = [movements.add(dice.gauss(0, 0.05), 1e-6)[1] for _ in range(50)]
        lively = [movements.add(dice.gauss(0, 5), 1e-6)[1] for _ in range(50)]
        assert calm[-1] < -1
        assert max(lively) > 1

    def test_a_moving_series_that_stands_still_shows_for_how_long(self):
        dice, movements = random.Random(1), Movements()
        for _ in range(100):
            movements.add(dice.random(), 1e-6)
        rows = [movements.add(0.5, 1e-6)[2] for _ in range(4)]
        assert rows == pytest.approx([0.0, math.log(2), math.log(3), math.log(4)])

    def test_a_constant_neither_moves_nor_stands_still(self):
        movements = Movements()
        assert {movements.add(230.0, 0.023) for _ in range(200)} == {(0.0, 0.0, 0.0)}

    def test_there_is_no_step_over_a_gap(self):
        movements = Movements()
        movements.add(1.0, 1e-6)
        movements.clear()
        assert movements.add(9.0, 1e-6)[0] == 0.0

    @given(st.lists(st.floats(-1e150, 1e150), max_size=2 * FIRST_ROWS))
    def test_restored_it_goes_on_whatever_came(self, values):
        movements, again = Movements(), Movements()
        for value in values:
            assert all(map(math.isfinite, movements.add(value, 1e-9)))
        again.restore(movements.state())
        assert again.add(3.0, 1e-9) == movements.add(3.0, 1e-9)

    @pytest.mark.parametrize("state", [[], [1, 2, 3], [1, -1, 0.0, 0.0], [1, 1, 0.0, 0.0, 0.0, 0.0]])
    def test_an_impossible_state_is_refused(self, state):
        with pytest.raises(ValueError, match="shape"):
            Movements().restore(state)


def test_a_state_of_the_release_before_goes_on_and_its_new_numbers_are_no_records_at_first():
    dice = random.Random(1)
    detector = Detector()
    rows = [(dice.gauss(50, 5), START + 60 * row) for row in range(3000 + DOUBTED_ROWS)]
    for value, when in rows[:3000]:
        detector.update(value, when)
    state = detector.state()
    state["records"] = [ends[: len(INHERITED)] for ends in state["records"]]
    state["clock"] = state["clock"][:5]
    del state["movements"], state["relative"], state["expectation"]["spread"], state["expectation"]["visit"]
    old = Detector.restore(state)
    for value, when in rows[3000:]:
        assert old.update(value, when).level <= detector.update(value, when).level + 1.0
    assert len(old.state()["records"][0]) == len(KINDS)


def test_a_machine_that_works_at_an_unusual_time_is_seen_while_its_values_are_usual():
    """Office hours from Monday to Friday; then the night's value at eleven on a Wednesday."""
    dice, detector = random.Random(3), Detector(row_seconds=300)
    begun = []
    for row in range(288 * 24 + 150):
        when = START + 300 * row
        hour, weekday = when % 86_400 / 3600, when // 86_400 % 7
        is_open = weekday not in (2, 3) and 8 <= hour < 18
        if 288 * 22 + 130 <= row < 288 * 22 + 142:
            assert is_open
            is_open = False
        value = (70 if is_open else 20) + dice.gauss(0, 4 if is_open else 1.5)
        if detector.update(value, when).onset:
            begun.append(row)
    assert any(288 * 22 + 130 <= row < 288 * 22 + 142 for row in begun)
