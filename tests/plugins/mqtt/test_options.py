"""Options: what cannot work is refused at the start, in words."""

import pytest
from pydantic import ValidationError

from collector_plugins.mqtt import Config

GOOD = {"name": "desk", "topic": "a/b", "power_watts": "/p"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"power_watts": "p"}, "begins with /"),
        ({"power_watts": ""}, "at least 1"),
        ({"power_watts": None}, "say where its numbers are"),
        ({"topic": "a/+/b"}, "one topic"),
        ({"topic": "#"}, "one topic"),
        ({"watts": "/p"}, "Extra inputs"),
    ],
)
def test_a_device_that_cannot_work_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate({"devices": [GOOD | wrong]})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"url": "broker:1883"}, "mqtt://"),
        ({"url": "mqtt://me:secret@broker"}, "use `username`"),
        ({"password": "x"}, "needs a `username`"),
        ({"devices": [GOOD, GOOD]}, "two devices are called 'desk'"),
        ({"devices": [GOOD, GOOD | {"name": "other"}]}, "two devices have the topic 'a/b'"),
    ],
)
def test_what_does_not_fit_together_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Config.model_validate(wrong)
    assert "secret" not in str(caught.value)
