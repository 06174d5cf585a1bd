"""What was taken arrives, once and in order, whatever the receiver does."""

import pytest

from collector_core import NotAvailable, RecordsRefused


def test_samples_of_every_run_arrive_in_order(bench):
    made = bench()
    made.hear(1.0, a=10, b=20)
    made.hear(2.0, a=11)
    made.cycle()
    made.advance(1)
    assert made.receiver.taken == [
        ['probe_power_watts{plug="a"}', 10, 1.0],
        ['probe_power_watts{plug="b"}', 20, 1.0],
        ['probe_power_watts{plug="a"}', 11, 2.0],
    ]
    assert (made.metric("up"), made.metric("sent_total"), made.metric("oldest_seconds")) == (1, 3, 0)


def test_it_finds_out_whether_its_receiver_is_there_before_there_is_anything_to_send(bench):
    made = bench()
    made.cycle()
    assert (made.receiver.tests, made.metric("up")) == (1, 1)


def test_all_metrics_are_there_from_the_start(bench):
    made = bench()
    assert made.metric("up") == made.metric("sent_total") == made.metric("queue_bytes") == 0
    for reason in ("refused", "queue_full", "too_old", "superseded"):
        assert made.metric("dropped_total", reason=reason) == 0


def test_while_the_receiver_is_away_records_wait_and_then_arrive_in_order(bench):
    made = bench()
    made.fail()
    for second in range(1, 301):
        made.hear(float(second), a=second)
        made.advance(1)
    assert made.metric("up") == 0
    assert made.metric("queue_bytes") > 0
    assert made.metric("oldest_seconds") >= 299
    made.receiver.error = None
    made.advance(30)
    assert made.values == list(range(1, 301))
    assert made.metric("up") == 1


def test_a_batch_without_an_answer_is_sent_again_as_it_was_before_anything_newer(bench):
    made = bench()
    made.hear(1.0, a=1)
    made.cycle()
    made.fail()
    made.advance(1)
    made.receiver.error = None
    made.hear(2.0, a=2)
    made.advance(2)
    assert made.receiver.repeats[:2] == [False, True]
    assert made.values[0] == 1
    made.advance(1)
    assert (made.values, made.receiver.repeats[2:]) == ([1, 2], [False])


def test_attempts_become_rarer_up_to_every_thirty_seconds(bench):
    made = bench()
    made.fail()
    for _ in range(600):
        made.advance(0.5)
    assert 10 <= made.receiver.tests <= 20


def test_what_the_receiver_asks_for_is_respected(bench):
    made = bench()
    made.fail(NotAvailable("unreachable", "busy", retry_after=120))
    made.cycle()
    for _ in range(11):
        made.advance(10)
    assert made.receiver.tests == 1
    made.advance(10)
    assert made.receiver.tests == 2


def test_what_is_refused_for_good_is_dropped_and_counted_and_never_sent_again(bench):
    made = bench()
    made.fail(RecordsRefused(1, "no such event"))
    made.hear(1.0, a=1, b=2)
    made.cycle()
    made.advance(1)
    assert (made.metric("sent_total"), made.metric("dropped_total", reason="refused")) == (1, 1)
    assert made.metric("up") == 1
    made.advance(60)
    assert len(made.receiver.repeats) == 1


def test_a_receiver_that_hangs_is_given_up_but_no_second_call_is_made(bench):
    made = bench()
    made.receiver.gate.clear()
    made.runner.cycle()
    for second in range(1, 61):
        made.hear(float(second), a=second)
        made.clock.advance(1)
        made.runner.cycle()
    assert made.metric("up") == 0
    assert "no answer" in made.runner.health.error
    assert made.receiver.tests == 1
    assert made.metric("queue_bytes") > 0
    made.receiver.gate.set()
    made.runner._delivery._attempt.future.exception(timeout=60)
    made.cycle()
    assert made.values == list(range(1, 61))


def test_batches_are_no_larger_than_asked_for(bench):
    made = bench(batch_size=3)
    made.hear(1.0, **{f"p{number}": number for number in range(10)})
    made.cycle()
    made.advance(1)
    assert made.values == list(range(10))
    assert len(made.receiver.repeats) == 4


def test_the_oldest_make_room_when_the_queue_is_full_and_what_remains_has_no_gap(bench):
    made = bench(queue_max_bytes=20_000)
    made.fail()
    for second in range(1, 501):
        made.hear(float(second), a=second)
        made.advance(1)
        assert made.metric("queue_bytes") <= 20_000
    made.receiver.error = None
    made.advance(30)
    made.advance(30)
    dropped = made.metric("dropped_total", reason="queue_full")
    assert dropped > 0
    assert made.values == list(range(int(dropped) + 1, 501))


def test_what_was_dropped_while_it_was_being_sent_counts_once(bench):
    made = bench(queue_max_bytes=4096, batch_size=1)
    made.hear(1.0, a=1)
    made.runner.cycle()
    made.receiver.gate.clear()
    made.clock.advance(1)
    made.runner.cycle()
    for second in range(2, 100):
        made.hear(float(second), a=second)
    made.runner.cycle()
    made.receiver.gate.set()
    for _ in range(200):
        made.advance(1)
    sent, dropped = made.metric("sent_total"), made.metric("dropped_total", reason="queue_full")
    assert dropped > 0
    assert sent + dropped == 99
    assert sent == len(made.values)


def test_what_has_waited_too_long_is_dropped_and_counted(bench):
    made = bench(queue_max_age=100.0)
    made.fail()
    made.hear(1.0, a=1)
    made.cycle()
    made.advance(90)
    made.hear(91.0, a=2)
    made.advance(20)
    made.receiver.error = None
    made.advance(30)
    assert (made.values, made.metric("dropped_total", reason="too_old")) == ([2], 1)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ValueError("odd"), MemoryError()])
def test_whatever_an_output_raises_is_a_failure_like_any_other(bench, error):
    made = bench()
    made.fail(error)
    made.hear(1.0, a=1)
    made.advance(1)
    made.advance(1)
    assert made.metric("up") == 0
    made.receiver.error = None
    made.advance(30)
    assert made.values == [1]
