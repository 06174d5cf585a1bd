"""An output that wants only the newest gets one record of each key; what it replaces is counted."""

from tests.core.outputs.conftest import Letters


def make(bench, **changes):
    made = bench(**changes)
    made.cls.keeps_newest_only = True
    made.runner.stop()
    made.runner.close()
    made.start()
    return made


def test_only_the_newest_of_each_series_is_sent_and_the_others_are_superseded(bench):
    made = make(bench)
    made.fail()
    for second in range(1, 11):
        made.hear(float(second), a=second, b=0)
        made.advance(1)
    made.receiver.error = None
    made.advance(60)
    made.advance(1)
    assert made.values == [10, 0]
    assert made.metric("dropped_total", reason="superseded") == 18
    assert (made.metric("sent_total"), made.metric("queue_bytes"), made.metric("oldest_seconds")) == (2, 0, 0)


def test_nothing_is_kept_for_the_next_start(bench, tmp_path):
    made = make(bench)
    made.fail()
    made.hear(1.0, a=1)
    made.advance(1)
    made.restart()
    made.receiver.error = None
    made.advance(60)
    assert made.values == []
    assert Letters.keeps_newest_only is False
