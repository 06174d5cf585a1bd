"""The parts of the detector, one by one: what each makes of rows, and that each goes on where it was saved."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly.detector.distribution_memory import BINS, CAPACITY, WINDOW, DistributionMemory
from collector_plugins.anomaly.detector.expectation import Expectation
from collector_plugins.anomaly.detector.large_rows import MEMORY_ROWS, PEAKS, LargeRows
from collector_plugins.anomaly.detector.level_shifts import LAG, LevelShifts
from collector_plugins.anomaly.detector.rarity import RarityHistogram
from collector_plugins.anomaly.detector.rolling_means import LENGTHS, LONGEST, RollingMeans
from collector_plugins.anomaly.detector.seasonal_profile import DAY, WEEK, SeasonalProfile
from collector_plugins.anomaly.detector.value_ranges import RangeKind, ValueRanges

MIDNIGHT = 1_700_006_400.0
numbers = st.floats(-1e6, 1e6)


class TestRollingMeans:
    @given(st.lists(numbers, min_size=1, max_size=3 * LONGEST))
    def test_they_are_the_means_of_the_last_rows_with_zeros_before_the_first(self, values):
        means = RollingMeans()
        padded = [0.0] * LONGEST
        for value in values:
            padded.append(value)
            expected = [math.fsum(padded[-length:]) / length for length in LENGTHS]
            assert means.add(value) == pytest.approx(expected, abs=1e-6)

    def test_errors_of_rounding_do_not_add_up(self):
        means = RollingMeans()
        for value in [1e15, *[0.1] * 300]:
            last = means.add(value)
        assert last == pytest.approx([0.1] * len(LENGTHS), abs=1e-12)

    def test_cleared_they_begin_with_zeros(self):
        means = RollingMeans()
        for _ in range(100):
            means.add(5.0)
        means.clear()
        assert means.add(3.0) == (3.0, 1.0, 0.25, 0.0625)


class TestDistributionMemory:
    def fed(self, shares, memory=None):
        memory = memory or DistributionMemory()
        return [memory.novelty(share) for share in shares]

    def test_nothing_is_novel_before_the_first_window_is_full(self):
        found = self.fed([0.1] * WINDOW)
        assert found[:-1] == [0.0] * (WINDOW - 1)
        assert found[-1] == 2.0

    def test_the_same_distribution_is_novel_once(self):
        assert sum(map(bool, self.fed([0.1] * 200))) == 1

    def test_order_within_a_window_does_not_matter(self):
        rising = [0.1] * 13 + [0.9] * 13
        assert sum(map(bool, self.fed([*rising, *reversed(rising)])[WINDOW:])) < 13
        memory = DistributionMemory()
        self.fed(rising, memory)
        memory.clear_window()
        assert self.fed(reversed(rising), memory) == [0.0] * WINDOW

    def test_one_row_of_26_is_not_enough_and_several_are(self):
        memory = DistributionMemory()
        self.fed([0.5] * 60, memory)
        first, second, *_ = found = self.fed([0.9] * 10, memory)
        assert first == 0.0
        assert any(0.1 <= each <= 2.0 for each in found)
        assert second == 0.0 or second >= 0.1

    def test_a_window_after_a_gap_does_not_continue_the_one_before(self):
        memory = DistributionMemory()
        self.fed([0.1] * 60, memory)
        memory.clear_window()
        assert self.fed([0.9] * (WINDOW - 1), memory) == [0.0] * (WINDOW - 1)
        assert self.fed([0.9], memory) == [2.0]

    def test_the_distribution_matched_longest_ago_is_forgotten(self):
        memory = DistributionMemory()
        patterns = [
            [part] * a + [(part + 1) % BINS] * b + [(part + 2) % BINS] * (WINDOW - a - b)
            for part in range(BINS) for a in range(0, 27, 6) for b in range(0, 27 - a, 6)
        ]  # fmt: skip
        first = [0.1] * WINDOW
        self.fed(first, memory)
        for pattern in patterns[: CAPACITY + 30]:
            memory.clear_window()
            self.fed([(part + 0.5) / BINS for part in pattern], memory)
        assert len(memory.state()) == 1 + CAPACITY
        memory.clear_window()
        for pattern in patterns[: CAPACITY + 30]:
            memory.clear_window()
            self.fed([(part + 0.5) / BINS for part in pattern], memory)
            memory.clear_window()
            self.fed(first, memory)
        memory.clear_window()
        assert self.fed(first, memory)[-1] == 0.0  # matched again and again, it is still known

    @given(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.99, 1.0]), min_size=20, max_size=120))
    def test_whatever_comes_the_window_holds_the_last_rows(self, shares):
        memory = DistributionMemory()
        assert all(each == 0.0 or 0.1 <= each <= 2.0 for each in self.fed(shares, memory))
        window, *known = memory.state()
        assert window == [min(int(share * BINS), BINS - 1) for share in shares][-WINDOW:]
        assert memory._counts == [window.count(part) for part in range(BINS)]
        assert all(sum(counts) == WINDOW for counts in known)


class TestRarityHistogram:
    def test_the_usual_is_0_and_the_rare_its_decimal_places(self):
        histogram = RarityHistogram(1e-9)
        for _ in range(999):
            histogram.add(1.0)
        assert histogram.add(1.0) == 0.0
        assert histogram.add(8.0) == pytest.approx(3.0, abs=0.01)
        assert histogram.add(8.0) == pytest.approx(2.7, abs=0.01)

    def test_smaller_than_usual_is_not_rare(self):
        histogram = RarityHistogram(1e-9)
        for _ in range(100):
            histogram.add(1.0)
        assert histogram.add(0.3) == 0.0

    def test_what_is_long_ago_fades(self):
        fading, lasting = RarityHistogram(0.01), RarityHistogram(1e-9)
        for histogram in (fading, lasting):
            for magnitude in [8.0] * 100 + [1.0] * 1000:
                histogram.add(magnitude)
        assert fading.add(8.0) > 1.5 * lasting.add(8.0) > 1.0

    def test_weights_are_scaled_down_before_they_overflow(self):
        histogram = RarityHistogram(0.05)
        random = Random(1)
        for _ in range(5000):
            found = histogram.add(random.random())
            assert math.isfinite(found)
        weight, total, *bins = histogram.state()
        assert 1 <= weight <= 1e9
        assert total == pytest.approx(sum(bins))

    def test_scaling_down_changes_nothing(self):
        histogram, other = RarityHistogram(0.05), RarityHistogram(0.05)
        random = Random(1)
        for _ in range(400):
            histogram.add(random.random())
        state = histogram.state()
        other.restore([1.0, *[each / state[0] for each in state[1:]]])
        assert histogram.add(0.9) == pytest.approx(other.add(0.9))

    @given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
    def test_larger_is_never_less_rare(self, one, two):
        histograms = RarityHistogram(1e-3), RarityHistogram(1e-3)
        for histogram in histograms:
            for exponent in range(-10, 12):
                histogram.add(2.0**exponent)
        small, large = sorted((one, two))
        assert histograms[0].add(small) <= histograms[1].add(large)

    @pytest.mark.parametrize(
        ("magnitude", "position"),
        [
            (1e-300, 0),
            (2.0**-4, 0),
            (2.0**-3, 8),
            (0.99, 31),
            (1.0, 32),
            (1.5, 36),
            (1.99, 39),
            (2.0, 40),
            (15.9, 63),
            (1e9, 63),
        ],
    )
    def test_an_octave_has_eight_bins(self, magnitude, position):
        histogram = RarityHistogram(1e-3)
        histogram.add(magnitude)
        assert histogram.state()[2:].index(1.0) == position
        assert len(histogram.state()) == 2 + 64

    @pytest.mark.parametrize("magnitude", [0.0, 5e-324, 1e308])
    def test_any_magnitude_has_a_bin(self, magnitude):
        assert RarityHistogram(1e-3).add(magnitude) == 0.0


def ranging(low, high, *kinds, tolerance=0.0):
    """Ranges from `low` to `high`, which a row reaches at last."""
    ranges = ValueRanges(kinds or [RangeKind(1.0, 0)], tolerance=tolerance)
    for value in (low, *[high] * 8):
        ranges.add([value] * max(1, len(kinds)), 0.1)
    return ranges


class TestValueRanges:
    def test_the_first_row_sets_the_range_and_no_record(self):
        assert ValueRanges([RangeKind(1, 0)] * 2).add([5.0, 6.0], 0.1) == (0.0, 0.0)

    @pytest.mark.parametrize(("value", "worth"), [(12.0, 2.0), (-2.0, 2.0), (11.0, 2.0), (5.0, 0.0), (0.0, 0.0)])
    def test_a_record_is_worth_how_far_outside_it_is(self, value, worth):
        ranges = ranging(0.0, 10.0, RangeKind(2.0, 0))
        outside = max(value - 10.0, -value, 0.0)
        expected = worth * math.log10(1 + 30 * outside / 10.0)
        assert ranges.add([value], 0.1)[0] == pytest.approx(expected)

    def test_farther_than_ten_ranges_is_worth_no_more(self):
        worth = [ranging(0.0, 10.0).add([value], 0.1)[0] for value in (110.0, 1e9)]
        assert worth[0] == worth[1] == pytest.approx(math.log10(301))

    def test_what_is_within_the_tolerance_widens_the_range_and_is_no_record(self):
        ranges = ranging(0.0, 10.0, tolerance=0.1)
        assert ranges.add([10.9], 0.1)[0] == 0
        assert ranges.add([10.9 + 0.2 * 10.9], 0.1)[0] == pytest.approx(math.log10(1 + 30 * 0.1))

    def test_a_record_is_one_only_once(self):
        ranges = ranging(0.0, 10.0)
        assert ranges.add([20.0], 0.1)[0] > 0
        assert ranges.add([20.0], 0.1)[0] == 0

    def test_one_row_moves_an_end_by_three_widths_at_most(self):
        ranges = ranging(0.0, 10.0)
        assert ranges.tame(1e9, 0.1) == 40.0
        assert ranges.tame(-1e9, 0.1) == -30.0
        assert ranges.tame(12.0, 0.1) == 12.0
        ranges.add([1e9], 0.1)
        assert ranges.share(20.0, 0.1) == 0.5

    def test_what_is_nearly_constant_sets_no_records(self):
        ranges = ValueRanges([RangeKind(1.0, 0)])
        ranges.add([230.0], 0.01)
        assert ranges.add([230.01], 0.01) == (0.0, 0.0)
        assert ranges.add([230.05], 0.01)[0] > 0

    def test_the_first_number_and_the_others_are_told_apart(self):
        ranges = ranging(0.0, 1.0, RangeKind(1.0, 0), RangeKind(0.5, 0), RangeKind(0.25, 0))
        one = math.log10(31)
        assert ranges.add([2.0, 2.0, 2.0], 0.1) == pytest.approx((one, 0.75 * one))

    def test_old_extremes_fade(self):
        ranges = ranging(0.0, 100.0, RangeKind(1.0, 0.01))
        assert ranges.add([90.0], 0.1)[0] == 0
        for _ in range(30):
            ranges.shrink(10)
        assert ranges.add([90.0], 0.1)[0] > 0

    def test_none_forgets_faster_than_it_may(self):
        free, kept = (ValueRanges([RangeKind(1.0, 0.01)], forgetting=most) for most in (1.0, 1e-4))
        for ranges in (free, kept):
            for value in (0.0, *[100.0] * 8):
                ranges.add([value], 0.1)
            ranges.shrink(10)
        assert [ranges.share(50.0, 0.1) for ranges in (free, kept)] == pytest.approx([0.5, 0.5])
        assert free.share(0.0, 0.1) == pytest.approx(-10.0 / 80.0)
        assert kept.share(0.0, 0.1) == pytest.approx(-0.1 / 99.8)

    def test_the_share_is_the_position_within_the_first_range(self):
        ranges = ranging(10.0, 30.0)
        assert [ranges.share(value, 0.1) for value in (10.0, 25.0, 30.0)] == [0.0, 0.75, 1.0]
        assert ranges.share(25.0, 20.0) == 0.0


class TestLevelShifts:
    def test_the_difference_is_from_the_row_48_rows_before(self):
        shifts = LevelShifts()
        changes = [shifts.add(float(row * row))[0] for row in range(200)]
        assert changes[:LAG] == [0.0] * LAG
        assert changes[LAG:] == [float(row * row - (row - LAG) ** 2) for row in range(LAG, 200)]

    def test_a_constant_series_has_no_shifts(self):
        shifts = LevelShifts()
        assert {shifts.add(7.0) for _ in range(1000)} == {(0.0, 0.0, 0.0)}

    def test_a_step_shows_in_the_short_pair_first_and_fades(self):
        shifts = LevelShifts()
        for _ in range(1000):
            shifts.add(0.0)
        rows = [shifts.add(10.0) for _ in range(3000)]
        assert rows[5][1] > rows[5][2] > 0
        assert rows[200][2] > rows[200][1]
        assert rows[-1] == pytest.approx((0.0, 0.0, 0.0), abs=1e-3)

    def test_the_first_rows_are_plain_means(self):
        shifts = LevelShifts()
        shifts.add(10.0)
        assert shifts.add(20.0)[1:] == (0.0, 0.0)

    def test_cleared_there_is_no_difference_and_the_means_stay(self):
        shifts = LevelShifts()
        for _ in range(500):
            shifts.add(10.0)
        shifts.clear()
        changes = [shifts.add(20.0) for _ in range(LAG + 1)]
        assert [change for change, _, _ in changes] == [0.0] * (LAG + 1)
        assert changes[0][1] > 1


class TestSeasonalProfile:
    def test_a_bin_is_that_of_utc(self):
        day, week = SeasonalProfile(DAY, 24), SeasonalProfile(WEEK, 168)
        assert day.bin_at(MIDNIGHT) == 0
        assert day.bin_at(MIDNIGHT + 5 * 3600 + 59) == 5
        assert week.bin_at(MIDNIGHT + 86_400) == (week.bin_at(MIDNIGHT) + 24) % 168

    def test_a_bin_is_learnt_when_it_is_left_and_not_before(self):
        day = SeasonalProfile(DAY, 24)
        for value in (1.0, 2.0, 6.0):
            day.learn(3, value)
        assert (day.mean(3), day.visits(3)) == (0.0, 0)
        day.learn(4, 100.0)
        assert (day.mean(3), day.visits(3)) == (3.0, 1)

    def test_visits_count_the_same_however_many_rows_they_have(self):
        day = SeasonalProfile(DAY, 24)
        day.learn(3, 10.0)
        day.learn(4, 0.0)
        for _ in range(1000):
            day.learn(3, 20.0)
        day.learn(4, 0.0)
        assert day.mean(3) == 15.0

    def test_from_the_tenth_visit_on_a_visit_counts_a_tenth(self):
        day = SeasonalProfile(DAY, 24)
        for _ in range(50):
            day.learn(3, 0.0)
            day.learn(4, 0.0)
        day.learn(3, 10.0)
        day.learn(4, 0.0)
        assert day.mean(3) == pytest.approx(1.0)

    def test_the_number_of_visits_stops_at_255(self):
        day = SeasonalProfile(DAY, 2)
        for _ in range(300):
            day.learn(0, 1.0)
            day.learn(1, 1.0)
        assert day.visits(0) == day.visits(1) == 255


class TestExpectation:
    def learnt(self, values, *, step=60.0, start=MIDNIGHT):
        expectation = Expectation()
        for row, value in enumerate(values):
            expectation.learn(value, start + row * step)
        return expectation

    def test_nothing_is_expected_of_the_first_row(self):
        expectation = self.learnt([5.0])
        assert (expectation.expected, expectation.size, expectation.level) == (None, None, 5.0)

    def test_there_is_no_size_before_the_twentieth_row(self):
        random = Random(1)
        values = [random.gauss(10, 1) for _ in range(21)]
        assert self.learnt(values[:20]).size is None
        expectation = self.learnt(values)
        assert expectation.size is not None
        assert expectation.distance == pytest.approx(values[20] - expectation.expected)

    def test_the_size_is_the_distance_in_usual_deviations(self):
        random = Random(1)
        expectation = self.learnt(random.gauss(10, 1) for _ in range(5000))
        scale = expectation.scale
        assert scale == pytest.approx(math.sqrt(2 / math.pi), rel=0.15)  # of the mean absolute deviation
        expectation.learn(expectation.level + 6.0, MIDNIGHT + 5000 * 60)
        assert expectation.size == pytest.approx(6.0 / scale, rel=0.1)

    def test_an_outlier_teaches_no_more_than_ten_scales(self):
        random = Random(1)
        values = [random.gauss(10, 1) for _ in range(3000)]
        calm, hit = self.learnt(values), self.learnt(values)
        level, scale = hit.level, hit.scale
        hit.learn(1e9, MIDNIGHT + 3000 * 60)
        assert abs(hit.level - level) <= 10 * scale * 0.002 * 1.0001
        assert hit.scale == pytest.approx(1.01 * scale)
        assert calm.level == level

    def test_a_series_that_has_changed_for_good_is_followed(self):
        random = Random(1)
        expectation = self.learnt(random.gauss(10, 1) for _ in range(3000))
        for row in range(3000, 8000):
            expectation.learn(random.gauss(500, 1), MIDNIGHT + row * 60)
        assert abs(expectation.size) < 10
        assert expectation.level > 100

    def test_a_constant_has_a_scale_that_is_not_0(self):
        expectation = self.learnt([1e6] * 100)
        assert expectation.size == 0.0
        expectation.learn(1e6 + 50.0, MIDNIGHT + 6000)
        assert expectation.size == pytest.approx(0.5, rel=0.01)

    def test_an_hour_of_the_week_is_trusted_after_two_visits(self):
        hours = [float(100 if hour % 168 == 5 else 10) for hour in range(168 * 3)]
        expectation = self.learnt(hours[: 2 * 168 + 5], step=3600.0)
        expectation.learn(hours[2 * 168 + 5], MIDNIGHT + (2 * 168 + 5) * 3600)
        assert expectation.expected > 50

    @pytest.mark.parametrize(("season", "bins"), [("day", 24), ("week", 168), ("spread", 24)])
    def test_all_that_was_learnt_of_hours_counts_for_later_ones_when_they_are_shifted(self, season, bins):
        expectation = self.learnt([float(hour % 24 * hour) for hour in range(400)], step=3600.0)
        before = expectation.state()[season][-bins:]
        expectation.shift_seasons(3)
        assert len(set(before)) > 20
        assert expectation.state()[season][-bins:] == [*before[-3:], *before[:-3]]


def saved_parts():
    ranges = [RangeKind(1.0, 1e-3)] * 3
    return {
        "means": (RollingMeans, lambda part, value: part.add(value)),
        "distributions": (DistributionMemory, lambda part, value: part.novelty(abs(value) % 1)),
        "rarity": (lambda: RarityHistogram(1e-3), lambda part, value: part.add(abs(value))),
        "ranges": (lambda: ValueRanges(ranges), lambda part, value: part.add([value, 2 * value, -value], 0.01)),
        "shifts": (LevelShifts, lambda part, value: part.add(value)),
    }


PARTS = saved_parts()


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("rows", [0, 1, 30, 500])
def test_a_part_goes_on_where_it_was_saved(name, rows):
    make, add = PARTS[name]
    random = Random(3)
    values = [random.gauss(0, 1) for _ in range(rows + 100)]
    part, again = make(), make()
    for value in values[:rows]:
        add(part, value)
    again.restore(part.state())
    assert [add(again, value) for value in values[rows:]] == [add(part, value) for value in values[rows:]]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_refuses_a_state_of_another_shape(name):
    make, add = PARTS[name]
    part = make()
    for value in range(60):
        add(part, float(value))
    state = part.state()
    with pytest.raises(ValueError, match=".+"):
        make().restore([*state, *state])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("means", lambda state: [*state[:3], 48, *state[4:]]),
        ("means", lambda state: [*state[:3], -1, *state[4:]]),
        ("distributions", lambda state: [[5] * 26]),
        ("distributions", lambda state: [[0] * 27]),
        ("distributions", lambda state: [[], [26, 0, 0, 0]]),
        ("distributions", lambda state: [[], [25, 0, 0, 0, 0]]),
        ("distributions", lambda state: [[], [27, -1, 0, 0, 0]]),
        ("distributions", lambda state: [[], *[[26, 0, 0, 0, 0]] * 33]),
        ("rarity", lambda state: [0.5, *state[1:]]),
        ("rarity", lambda state: [2e9, *state[1:]]),
        ("rarity", lambda state: [*state[:5], -1.0, *state[6:]]),
        ("ranges", lambda state: [state[1], state[0]]),
        ("ranges", lambda state: [state[0][:2], state[1][:2]]),
        ("shifts", lambda state: [-1, *state[1:]]),
        ("shifts", lambda state: [state[0], 48, *state[2:]]),
        ("shifts", lambda state: [state[0], -1, *state[2:]]),
        ("shifts", lambda state: [*state, *[0.0] * 48]),
    ],
)
def test_a_part_refuses_an_impossible_state(name, change):
    make, add = PARTS[name]
    part = make()
    for value in range(60):
        add(part, float(value))
    with pytest.raises(ValueError, match="shape"):
        make().restore(change(part.state()))


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: [24, *s[1:]], lambda s: [-2, *s[1:]], lambda s: [0, 0, 0, 256, *s[4:]]]
)
def test_a_profile_refuses_an_impossible_state(change):
    with pytest.raises(ValueError, match=".+"):
        SeasonalProfile(DAY, 24).restore(change(SeasonalProfile(DAY, 24).state()))


@pytest.mark.parametrize("level", [[-1, 0.0, 1.0], [5, 0.0, -1.0]])
def test_an_expectation_refuses_an_impossible_state(level):
    with pytest.raises(ValueError, match="negative"):
        Expectation().restore(Expectation().state() | {"level": level})


def test_an_expectation_goes_on_where_it_was_saved():
    random = Random(3)
    values = [random.gauss(0, 1) for _ in range(3000)]
    straight, first, again = Expectation(), Expectation(), Expectation()
    for row, value in enumerate(values):
        straight.learn(value, MIDNIGHT + row * 600)
        (first if row < 2000 else again).learn(value, MIDNIGHT + row * 600)
        if row == 1999:
            again.restore(first.state())
    assert again.state() == straight.state()


class TestLargeRows:
    def fed(self, draw, count=2000, apart=25):
        large = LargeRows()
        for number in range(count):
            large.learn(draw(), number * apart)
        return large

    @pytest.mark.parametrize("power", [2.0, 4.0])
    def test_ten_times_as_much_is_rarer_by_the_power_of_the_tail(self, power):
        dice = Random(3)
        large = self.fed(lambda: 3 * dice.paretovariate(power))
        often = large.due(3 * 2000 ** (1 / power), 50_000, 50_000)
        rarely = large.due(30 * 2000 ** (1 / power), 50_000, 50_000)
        assert 0.1 < often < 10
        assert power - 1 < math.log10(often / rarely) < power + 1

    def test_one_wrong_reading_does_not_make_the_tail_long(self):
        dice = Random(3)
        large = self.fed(lambda: 3 * dice.paretovariate(4))
        before = large.due(100.0, 50_000, 50_000)
        large.learn(1e12, 50_100)
        assert large.due(100.0, 50_125, 50_000) < 10 * before

    def test_what_is_no_more_than_the_peaks_is_due_without_end_and_so_is_all_before_there_are_any(self):
        assert LargeRows().due(1e9, 1000, 1000) == math.inf
        assert self.fed(lambda: 3.0).due(3.0, 50_000, 50_000) == math.inf

    def test_they_come_alone_unless_they_follow_each_other(self):
        assert not LargeRows().is_alone(3.0, 1)
        assert not self.fed(lambda: 3.0, apart=1).is_alone(3.0, 5000)
        alone = self.fed(lambda: 3.0, apart=2)
        assert alone.is_alone(3.0, 4000)
        assert alone.is_alone(7.0, 3999)
        assert not alone.is_alone(6.0, 3999), "the second of two that are alike is no chance"

    def test_peaks_are_apart_few_and_forgotten(self):
        dice = Random(1)
        _, sizes, rows = self.fed(lambda: dice.uniform(3, 4), apart=1).state()
        assert len(sizes) == PEAKS
        assert min(later - earlier for earlier, later in pairwise(sorted(rows))) >= 24
        large = self.fed(lambda: 10.0, count=50)
        large.learn(11.0, MEMORY_ROWS + 1300)
        assert large.state()[1] == [11.0]

    def test_many_more_than_usual_do_not_come_alone(self):
        large = self.fed(lambda: 3.0, count=500, apart=20)
        every_third = [10_000 + 3 * number for number in range(200)]
        alone = []
        for row in every_third:
            alone.append(large.is_alone(7.0, row))
            large.learn(3.0, row)
        assert all(alone[:5])
        assert not any(alone[20:])

    def test_after_the_crowd_they_come_alone_again(self):
        large = self.fed(lambda: 3.0, count=500, apart=20)
        for row in range(10_000, 10_040, 2):
            large.learn(3.0, row)
        assert not large.is_alone(7.0, 10_041)
        assert large.is_alone(7.0, 10_200)

    @pytest.mark.parametrize(
        "damaged",
        [
            [[0, -1, 0.0, 0.0, 0, 1.0], [], []],
            [[0, 1, 0.0, -1.0, 0, 1.0], [], []],
            [[0, 1, 0.0, 0.0, 50_001, 1.0], [], []],
            [[50_001, 1, 0.0, 0.0, 50_000, 1.0], [], []],
            [[0, 1, 0.0, 0.0, 0, 1.0], [0.0], [1]],
        ],
    )
    def test_a_damaged_state_is_refused(self, damaged):
        with pytest.raises(ValueError, match="shape"):
            LargeRows().restore(50_000, damaged)

    def test_restored_it_says_the_same(self):
        dice = Random(2)
        large, other = self.fed(lambda: 3 * dice.paretovariate(3)), LargeRows()
        other.restore(50_000, large.state())
        assert other.state() == large.state()
        assert other.due(50.0, 60_000, 1000) == large.due(50.0, 60_000, 1000)
        assert other.is_alone(4.0, 60_000) is large.is_alone(4.0, 60_000)
