"""The status page says of each output whether it delivers, what waits and what was dropped."""

from types import SimpleNamespace

from collector_core.outputs.health import Drop, OutputHealth
from collector_core.testing import FakeClock
from collector_core.web.outputs_view import render_outputs


def page(*found, redactor=str):
    outputs = SimpleNamespace(health=lambda: list(found))
    return render_outputs(SimpleNamespace(outputs=outputs, clock=FakeClock(), redactor=redactor))


def test_without_outputs_there_is_nothing():
    assert page() == ""


def test_an_output_that_delivers_says_how_much():
    html = page(OutputHealth("timeline", up=True, sent=12))
    assert 'class="card good" id="output-timeline"' in html
    assert "12 records sent" in html
    assert "waiting" not in html
    assert "dropped" not in html


def test_an_output_that_is_down_says_why_what_fixes_it_and_what_waits():
    health = OutputHealth("timeline", error="refused <b>", fix="start it", queue_bytes=2048, queue_records=7)
    health.oldest_at = FakeClock().time() - 90
    health.dropped[Drop.QUEUE_FULL] = 3
    html = page(health)
    assert 'class="card bad"' in html
    assert "refused &lt;b&gt;" in html
    assert "<code>start it</code>" in html
    assert "7 waiting (2 KiB) · the oldest for 90 s · 3 dropped (queue full)" in html


def test_an_output_that_has_not_tried_yet_is_starting():
    assert '<span class="state">starting</span>' in page(OutputHealth("timeline"))


def test_secrets_are_left_out():
    html = page(OutputHealth("timeline", error="hunter2"), redactor=lambda text: text.replace("hunter2", "…"))
    assert "hunter2" not in html
