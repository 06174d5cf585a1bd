"""`feeds:` of the file and of devices: one statement in two places."""

import pytest

from collector_core import CollectorConfig, Field
from collector_core.config import settings as configuration
from collector_core.config.feeds import feeds_of_options
from collector_core.errors import ConfigError
from collector_core.plugins.discovery import discover

COLLECTORS = """
collectors:
  http:
    options:
      devices: [{name: desk, url: "http://192.0.2.7", power_watts: /p, feeds: [host]}]
  mqtt: {options: {feeds: {wall: [host]}}}
"""


def validate(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(text + COLLECTORS)
    return configuration.validate(configuration.read_document(file), discover({"http", "mqtt"}))


def problem_of(tmp_path, feeds):
    """What is said of the file's first line, alone."""
    with pytest.raises(ConfigError) as caught:
        validate(tmp_path, f"feeds: {feeds}")
    (problem,) = caught.value.problems
    assert problem.line == 1
    return str(problem)


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ("{http/desk: [this, nas]}", "feeds.http/desk: contradicts the device's own `feeds`, which says"),
        ("{mqtt/wall: [nas]}", "feeds.mqtt/wall: contradicts"),
        ("{desk: [this]}", "COMPONENT/DEVICE"),
    ],
)
def test_a_contradiction_is_an_error_of_the_file(tmp_path, feeds, message):
    assert message in problem_of(tmp_path, feeds)


@pytest.mark.parametrize(
    ("feeds", "said"),
    [
        ("{plug/a: [plug/a]}", "feeds.plug/a: a circle: plug/a feeds plug/a"),
        ("{ups/rack: [this, plug/a], plug/a: [ups/rack]}", " feeds ups/rack"),
        ("{plug/a: [plug/b], plug/b: [plug/c], plug/c: [plug/a]}", "plug/b feeds plug/c"),
    ],
)
def test_a_circle_is_an_error_of_the_file_that_names_all_of_it(tmp_path, feeds, said):
    assert said in problem_of(tmp_path, feeds)


def test_the_same_twice_and_more_meters_are_fine(tmp_path):
    config = validate(tmp_path, "feeds: {http/desk: [this], plug/shed: [this]}")
    assert config.settings.feeds == {"http/desk": ("this",), "plug/shed": ("this",)}


def test_options_of_the_same_names_may_mean_something_else():
    class Options(CollectorConfig):
        devices: tuple[str, ...] = ("sda",)
        feeds: dict[str, int] = Field({"news": 3})

    assert feeds_of_options("disks", Options()) == {}
