"""The output in front of a real PostgreSQL."""

import json
import logging

import pytest

from collector_core import Context, OutputSample, Series
from collector_core.model.labels import label_text
from collector_plugins.timeline import Timeline
from collector_plugins.timeline.config import Config


def sample(name, value, time=1_800_000_000.0, source="nvidia", /, **labels):
    return OutputSample(Series(name + label_text(labels), name, labels, "gauge", "", "", source), value, time)


def record(number, time=1_800_000_000.0, event_type="test", **metadata):
    key = f"key-{number}"
    return [event_type, f"source_{number}", float(number), json.dumps({"key": key, **metadata}), time + number, key]


def make_timeline(timeout=10.0, interval=60.0, **options):
    context = Context(name="timeline", logger=logging.getLogger("output.timeline"), timeout=timeout, interval=interval)
    return Timeline(Config(**{"url": "postgresql://nobody@127.0.0.1:1/nothing", **options}), context)


@pytest.fixture
def timeline(postgres):
    """Makes outputs to the database of the test, which are closed at the end."""
    made = []

    def make(port=None, **options):
        made.append(make_timeline(**{"url": postgres.url(port), **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()
