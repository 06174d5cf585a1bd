"""Outputs of bytes: shaped series, their ends, whole runs, and batches that are sent again as they were."""

import json
from array import array

import pytest

from collector_core import NotAvailable, PayloadOutput, RecordsRefused
from tests.core.outputs.conftest import HEAT, Bench


class Lines(PayloadOutput):
    """Delivers lines to the receiver of the test."""

    name = "lines"
    takes_ends = True

    def encode_block(self, block):
        samples = [[each.series.text, None if block.ended else each.value, each.time] for each in block.samples()]
        return "".join(json.dumps(sample) + "\n" for sample in samples).encode()

    def test(self):
        self.receiver.tests += 1
        self.receiver.reach()

    def send_payloads(self, payloads, *, may_repeat):
        self.receiver.repeats.append([payload.count(b"\n") for payload in payloads])
        self.receiver.reach()
        self.receiver.taken += map(json.loads, b"".join(payloads).splitlines())


class PayloadBench(Bench):
    """The same, for an output of bytes."""

    attributes: dict

    def start(self):
        self.cls = type("Lines", (Lines,), {"receiver": self.receiver, "__doc__": Lines.__doc__, **self.attributes})
        super().start()


@pytest.fixture
def lines(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = []

    def make(attributes=None, **changes):
        cls = type("PayloadBench", (PayloadBench,), {"attributes": attributes or {}})
        made.append(cls(**changes))
        return made[-1]

    yield make
    for each in made:
        each.receiver.gate.set()
        each.runner._buffer.close()


def test_series_have_the_labels_and_names_that_the_configuration_says(lines):
    made = lines(labels=(("plug", "no"), ("site", "home")), rename=(("probe_power_watts", "watts"),))
    made.hear(1.0, a=1)
    made.hear(1.0, metric=HEAT, source="other", a=2)
    made.cycle()
    made.advance(1)
    assert [text for text, _, _ in made.receiver.taken] == [
        'watts{plug="a",site="home"}',
        'probe_heat_celsius{plug="a",site="home"}',
    ]


def test_a_series_that_is_gone_in_the_next_good_run_ends_once_with_that_runs_time(lines):
    made = lines()
    made.hear(1.0, a=1, b=2)
    made.hear(2.0, a=1)
    made.hear(3.0, a=1)
    made.hear(4.0, a=1, b=3)
    made.cycle()
    made.advance(1)
    of_b = [(value, time) for text, value, time in made.receiver.taken if "b" in text.partition("{")[2]]
    assert of_b == [(2, 1.0), (None, 2.0), (3, 4.0)]
    assert made.metric("sent_total") == len(made.receiver.taken) == 7


def test_an_end_within_an_interval_is_the_newest_sample_of_its_series(lines):
    made = lines(interval=60.0)
    made.hear(120.0, a=1, b=2)
    made.hear(121.0, a=3)
    made.hear(180.0, a=4)
    made.cycle()
    made.advance(1)
    assert made.receiver.taken == [
        ['probe_power_watts{plug="a"}', 3, 121.0],
        ['probe_power_watts{plug="b"}', None, 121.0],
        ['probe_power_watts{plug="a"}', 4, 180.0],
    ]


def test_of_a_refused_batch_every_sample_is_counted_its_ends_too_and_the_next_goes_on(lines):
    made = lines()
    made.cycle()
    made.fail(RecordsRefused(None, "out of order"))
    made.hear(1.0, a=1, b=2)
    made.hear(2.0, a=1)
    made.cycle()
    made.advance(1)
    assert (made.metric("dropped_total", reason="refused"), made.metric("sent_total"), made.metric("up")) == (4, 0, 0)
    made.receiver.error = None
    made.hear(3.0, a=5)
    made.cycle()
    made.advance(1)
    assert (made.values, made.metric("up")) == ([5], 1)


def test_no_request_has_more_samples_than_a_batch_and_none_is_split(lines):
    made = lines(batch_size=4)
    for second in range(1, 4):
        made.hear(float(second), **{f"p{number}": number for number in range(6)})
    made.cycle()
    for _ in range(4):
        made.advance(1)
    assert made.receiver.repeats == [[4], [2], [4], [2], [4], [2]]


def test_payloads_that_cannot_be_joined_are_sent_one_by_one(lines):
    made = lines({"is_joinable": False})
    for second in range(1, 4):
        made.hear(float(second), a=second)
    made.cycle()
    for _ in range(4):
        made.advance(1)
    assert made.receiver.repeats == [[1], [1], [1]]


def test_when_the_queue_is_full_whole_runs_go(lines):
    made = lines(batch_size=2, queue_max_bytes=8000)
    made.fail()
    for second in range(1, 60):
        made.hear(float(second), **{f"p{number}": number for number in range(5)})
        made.advance(1)
        assert made.metric("queue_bytes") <= 8000
    made.receiver.error = None
    for _ in range(200):
        made.advance(1)
    times = [time for _, _, time in made.receiver.taken]
    first = int(times[0])
    assert first > 1
    assert times == [float(second) for second in range(first, 60) for _ in range(5)]
    assert made.metric("dropped_total", reason="queue_full") == 5 * (first - 1)


def test_after_a_crash_the_same_batch_is_sent_again_if_the_output_asks_for_that(lines):
    made = lines({"repeats_exactly": True})
    made.fail()
    made.hear(1.0, a=1)
    made.hear(2.0, a=2)
    made.cycle()
    made.advance(1)
    made.crash()
    made.start()
    made.hear(3.0, a=3)
    made.cycle()
    made.advance(1)
    made.receiver.error = None
    made.advance(60)
    made.advance(60)
    assert made.receiver.repeats[-3:] == [[1, 1], [1, 1], [1]]
    assert made.values == [1, 2, 3]


def test_a_test_that_is_refused_is_no_success(lines):
    made = lines()
    made.fail(RecordsRefused(None, "no such path"))
    made.cycle()
    assert (made.metric("up"), made.runner.health.error) == (0, "no such path")


def test_a_call_that_hangs_is_cancelled_when_it_is_given_up(lines):
    cancelled = []
    made = lines({"cancel": lambda self: cancelled.append(1)})
    made.receiver.gate.clear()
    made.hear(1.0, a=1)
    for seconds in (0, 1, 6):
        made.clock.advance(seconds)
        made.runner.cycle()
    assert cancelled == [1]


def test_429_500_and_400_in_turns_lose_only_what_is_refused(lines):
    made = lines()
    made.cycle()
    answers = [NotAvailable("unreachable", "429", retry_after=2), NotAvailable("unreachable", "500")]
    answers = [*answers, RecordsRefused(None, "400"), None] * 10
    reach = made.receiver.reach

    def answer():
        made.receiver.error = answers.pop(0) if answers else None
        reach()

    made.receiver.reach = answer
    for second in range(1, 101):
        made.hear(float(second), a=second)
        made.cycle()
        made.advance(1)
    for _ in range(100):
        made.advance(10)
    assert made.values == sorted(set(made.values))
    assert made.metric("sent_total") == len(made.values)
    assert made.metric("sent_total") + made.metric("dropped_total", reason="refused") == 100


def test_values_are_an_array_of_numbers(lines):
    seen = []
    made = lines({"encode_block": lambda self, block: seen.append(block.values) or b"{}"})
    made.hear(1.0, a=1, b=2)
    made.cycle()
    assert seen == [array("d", [1, 2])]
