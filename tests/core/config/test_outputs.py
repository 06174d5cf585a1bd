"""The section `outputs:`: all that is wrong is said at once, with its line and the nearest valid key."""

from functools import partial

import pytest

from collector_core import Collector, Field, Gauge, Output, OutputConfig
from collector_core.config.settings import plugin_names, read_document
from collector_core.errors import ConfigError
from collector_core.plugins.discovery import Plugin, Plugins


class PigeonConfig(OutputConfig):
    loft: str = Field(description="Where it flies to.")


class Pigeon(Output[PigeonConfig]):
    """Carries letters."""

    name, config_type, default_interval, default_batch_size = "pigeon", PigeonConfig, 60.0, 50

    def encode(self, samples):
        return []

    def send(self, records, *, may_repeat):
        pass


class Lamp(Collector):
    """A lamp."""

    name, metrics = "lamp", (Gauge("lamp_on", "On."),)

    def collect(self, out):
        pass


PLUGINS = Plugins(
    [
        Plugin("pigeon", "pigeon", "1", outputs=(Pigeon,)),
        Plugin("lamp", "lamp", "1", types=(Lamp,)),
        Plugin("torn", "torn", "1", error="ImportError: no"),
    ]
)


@pytest.fixture
def check(check_with):
    return partial(check_with, PLUGINS)


@pytest.fixture
def problems(check):
    def problems(text):
        with pytest.raises(ConfigError) as bad:
            check(text)
        return [(problem.line, problem.path, problem.message) for problem in bad.value.problems]

    return problems


def test_an_output_has_the_defaults_of_its_type(check):
    (found,) = check("outputs: {pigeon: {options: {loft: attic}}}").outputs
    assert (found.name, found.type, found.options.loft) == ("pigeon", Pigeon, "attic")
    assert (found.interval, found.batch_size, found.timeout, found.series) == (60.0, 50, 10.0, None)


def test_an_output_may_have_a_name_of_its_own_and_every_key(check):
    (found,) = check(
        "outputs:\n  home:\n    plugin: pigeon\n    series: [lamp_on]\n    interval: 5m\n    timeout: 3s\n"
        "    batch_size: 7\n    batch_wait: 2s\n    queue_max_bytes: 10000\n    queue_max_age: 30d\n"
        "    options: {loft: attic}\n"
    ).outputs
    assert (found.name, found.series, found.interval, found.timeout) == ("home", ("lamp_on",), 300.0, 3.0)
    assert (found.batch_size, found.batch_wait, found.queue_max_bytes) == (7, 2.0, 10_000)
    assert found.queue_max_age == 30 * 86400


def test_without_the_section_there_are_no_outputs(check):
    assert check("listen: 127.0.0.1:1").outputs == ()


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        (
            "outputs:\n  pidgeon: {}\n",
            2,
            "outputs.pidgeon",
            "there is no plugin named 'pidgeon'; did you mean 'pigeon'?",
        ),
        ("outputs:\n  x: {plugin: lamp}\n", 2, "outputs.x.plugin", "the plugin 'lamp' offers no output"),
        ("outputs:\n  pigeon: {}\n", 2, "outputs.pigeon.options.loft", "is missing"),
        ("outputs:\n  pigeon:\n    sereis: []\n", 3, "outputs.pigeon.sereis", "unknown key; did you mean 'series'?"),
        ("outputs:\n  pigeon:\n    series: ['a{']\n", 3, "outputs.pigeon.series", "'a{': expected"),
        ("outputs:\n  pigeon:\n    queue_max_bytes: 0\n", 3, "outputs.pigeon.queue_max_bytes", "greater than"),
        ("outputs:\n  pigeon:\n    options: {lotf: a}\n", 3, "outputs.pigeon.options.lotf", "did you mean 'loft'?"),
        ("outputs:\n  a b: {plugin: pigeon}\n", 1, "outputs", "is not a name"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(problems, text, line, path, message):
    found = problems(text)
    assert any(each[0] == line and each[1].startswith(path) and message in each[2] for each in found), found


def test_an_output_whose_plugin_is_broken_does_not_stop_the_others(check):
    config = check("outputs: {torn: {}, pigeon: {options: {loft: attic}}}")
    assert [each.name for each in config.outputs] == ["pigeon"]
    assert [each.name for each in config.unloadable_outputs] == ["torn"]


def test_only_the_plugins_that_a_file_names_are_loaded(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("collectors: {lamp: }\noutputs: {pigeon: , home: {plugin: owl}}\n")
    assert plugin_names(read_document(path)) == {"lamp", "pigeon", "owl"}
