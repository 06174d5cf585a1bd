"""Build, reload and stop: what did not change goes on, what is bad changes nothing."""

import sys
import threading

import pytest

from collector_core import (
    Collector,
    CollectorConfig,
    EnergyMeter,
    EnergyReading,
    Field,
    Gauge,
    NotAvailable,
    hookimpl,
)
from collector_core.config import loading
from collector_core.engine import retired
from collector_core.engine.app import MAX_ABANDONED, App
from collector_core.errors import ConfigError
from collector_core.exposition.formats import negotiate
from collector_core.plugins.discovery import Plugin, Plugins
from collector_core.web import api
from tests.core.outputs.conftest import Letters, Receiver

ON = Gauge("lamp_on", "On.", labels=())
DESK_ON = Gauge("desk_on", "On.")


class Lamp(Collector):
    """Works."""

    name, metrics = "lamp", (ON,)
    detected: NotAvailable | None = None
    gate = None

    @classmethod
    def detect(cls, ctx):
        return cls.detected

    def collect(self, out):
        if self.gate:
            self.gate.wait()
        out.add(ON, 1)


class Desk(Lamp):
    """Works too."""

    name, metrics = "desk", (DESK_ON,)

    def collect(self, out):
        out.add(DESK_ON, 1)


def install(monkeypatch, *types):
    """Let there be these collector classes, each a plugin, and these plugins."""
    plugins = [each if isinstance(each, Plugin) else Plugin(each.name, each.name, "1", types=(each,)) for each in types]
    monkeypatch.setattr(loading, "discover", lambda only=None, *, hook, attempts: Plugins(plugins))


@pytest.fixture
def make_app(tmp_path, monkeypatch):
    apps = []

    def make(text=None, *types):
        install(monkeypatch, *types or (Lamp, Desk))
        file = None
        if text is not None:
            file = tmp_path / "config.yaml"
            file.write_text(text)
        app = App(file)
        apps.append(app)
        app.load()
        app.start()
        return app

    yield make
    for app in apps:
        app.stop(0.1)


def body(app):
    return app.exposition.body(negotiate("", "")).decode()


def test_without_a_file_what_detects_itself_runs(make_app, monkeypatch, eventually):
    monkeypatch.setattr(Desk, "detected", NotAvailable("not_found", "no desk", fix="buy one"))
    app = make_app()
    eventually(lambda: "lamp_on 1.0" in body(app))
    assert list(app.runners) == ["lamp"]
    assert [(idle.name, idle.detail, idle.fix) for idle in app.idle] == [("desk", "no desk", "buy one")]


def test_a_source_that_is_closed_to_us_runs_and_says_so(make_app, monkeypatch):
    monkeypatch.setattr(Desk, "detected", NotAvailable("permission", "locked"))
    assert "desk" in make_app().runners


class NeedyConfig(CollectorConfig):
    url: str = Field(description="Address.")


class Needy(Lamp):
    """Is there, but must be told where."""

    name, metrics, config_type = "needy", (Gauge("needy_on", "On."),), NeedyConfig


def test_a_plugin_that_needs_options_says_so_and_harms_nobody(make_app):
    app = make_app(None, Lamp, Needy)
    assert list(app.runners) == ["lamp"]
    (idle,) = app.idle
    assert (idle.name, idle.wanted) == ("needy", False)
    assert "url" in idle.fix


def test_a_detect_that_raises_harms_nobody(make_app, monkeypatch):
    monkeypatch.setattr(Desk, "detect", classmethod(lambda cls, ctx: 1 / 0))
    app = make_app()
    assert list(app.runners) == ["lamp"]
    assert "ZeroDivisionError" in app.idle[0].detail


def test_a_reload_keeps_what_did_not_change(make_app, tmp_path, eventually):
    app = make_app("collectors: {lamp: {}, desk: {}}")
    lamp, desk = app.runners["lamp"], app.runners["desk"]
    eventually(lambda: "desk_on 1.0" in body(app) and "lamp_on 1.0" in body(app))
    (tmp_path / "config.yaml").write_text("collectors: {lamp: {}, desk: {interval: 2s}}")
    app.reload()
    assert app.runners["lamp"] is lamp
    assert app.runners["desk"] is not desk
    (tmp_path / "config.yaml").write_text("collectors: {lamp: {}}")
    app.reload()
    assert "desk_on" not in body(app)
    assert 'collector="desk"' not in body(app)
    assert desk.join(5)


def test_a_bad_file_leaves_everything_as_it_was_and_a_metric_says_so(make_app, tmp_path, eventually):
    app = make_app("collectors: {lamp: {}}")
    runner = app.runners["lamp"]
    eventually(lambda: "lamp_on 1.0" in body(app))
    (tmp_path / "config.yaml").write_text("collectors: {lampe: {}}")
    with pytest.raises(ConfigError, match="did you mean 'lamp'"):
        app.reload()
    assert app.runners["lamp"] is runner
    assert "collector_config_reload_success 0.0" in body(app)
    (tmp_path / "config.yaml").write_text("collectors: {lamp: {}}")
    app.reload()
    assert "collector_config_reload_success 1.0" in body(app)


def test_a_changed_address_is_said_to_need_a_restart(make_app, tmp_path, caplog):
    app = make_app("collectors: {lamp: {}}")
    (tmp_path / "config.yaml").write_text("listen: 127.0.0.1:1\ncollectors: {lamp: {}}")
    app.reload()
    assert "listen has changed; it takes effect after a restart" in caplog.text


def test_a_collector_that_cannot_be_built_harms_no_other(make_app, eventually, caplog):
    class Clash(Lamp):
        """Declares another's metric in another way."""

        name, metrics = "clash", (Gauge("lamp_on", "Something else."),)

    class Crash(Lamp):
        """Raises in its constructor."""

        name = "crash"
        metrics = (Gauge("crash_on", "On."),)

        def __init__(self, config, ctx):
            raise OSError("no")

    app = make_app(None, Lamp, Clash, Crash)
    eventually(lambda: "lamp_on 1.0" in body(app))
    details = {idle.name: idle.detail for idle in app.idle}
    assert "declared differently by clash and lamp" in details["clash"]
    assert details["crash"] == "OSError: no"
    assert caplog.text.count("cannot be built") == 2


def test_a_constructor_that_wants_to_end_the_program_harms_nobody(make_app, monkeypatch, eventually):
    monkeypatch.setattr(Desk, "__init__", lambda self, config, ctx: sys.exit(7))
    app = make_app("collectors: {lamp: {}, desk: {}}")
    eventually(lambda: "lamp_on 1.0" in body(app))
    assert [(idle.name, idle.detail, idle.wanted) for idle in app.idle] == [("desk", "SystemExit: 7", True)]


def test_a_collector_that_cannot_run_is_down_until_a_reload_makes_it_run(make_app, tmp_path, monkeypatch, eventually):
    torn = Plugin("desk", "collector-desk", "1", error="ImportError: no")
    app = make_app("collectors: {lamp: {}, office: {plugin: desk}}", Lamp, torn)
    eventually(lambda: "lamp_on 1.0" in body(app))
    down = 'collector_up{collector="office",plugin="desk"} 0.0'
    assert down in body(app)
    assert 'collector_unavailable_info{collector="office",plugin="desk",reason="bad_data"} 1.0' in body(app)
    (row,) = (row for row in api.collectors(app) if row["name"] == "office")
    assert (row["state"], row["error"]) == ("cannot run", "ImportError: no")
    assert row["fix"] == "pip install --upgrade collector-desk"
    install(monkeypatch, Lamp, Desk)
    app.reload()
    eventually(lambda: "desk_on 1.0" in body(app))
    assert down not in body(app)


def test_threads_that_hang_are_counted_and_end_the_attempts(make_app, tmp_path, monkeypatch, eventually):
    monkeypatch.setattr(Lamp, "gate", threading.Event())
    app = make_app("collectors: {lamp: {timeout: 20ms}}")
    for attempt in range(MAX_ABANDONED):
        eventually(lambda: app.runners["lamp"].hung)
        (tmp_path / "config.yaml").write_text(f"collectors: {{lamp: {{timeout: 2{attempt}0ms}}}}")
        app.reload()
        assert f"collector_abandoned_threads {attempt + 1}.0" in body(app)
    assert "lamp" not in app.runners
    assert "3 of its threads are hung" in app.idle[0].detail
    Lamp.gate.set()


class Shelf(Lamp):
    """Hangs in its end."""

    name, metrics = "shelf", (Gauge("shelf_on", "On."),)

    def collect(self, out):
        out.add(self.metrics[0], 1)

    def close(self):
        self.gate.wait()


def test_ends_that_hang_are_counted_as_long_as_they_do(make_app, tmp_path, monkeypatch, eventually, caplog):
    monkeypatch.setattr(retired, "INTERVAL", 0.02)
    monkeypatch.setattr(Shelf, "gate", threading.Event())
    app = make_app("collectors: {shelf: {timeout: 20ms}}", Shelf)
    for attempt in range(MAX_ABANDONED):
        eventually(lambda: "shelf_on 1.0" in body(app))
        (tmp_path / "config.yaml").write_text(f"collectors: {{shelf: {{timeout: 2{attempt}0ms}}}}")
        app.reload()
        if attempt < MAX_ABANDONED - 1:
            assert "shelf" in app.runners, "an end that is not late is none that hangs"
        eventually(lambda: f"collector_abandoned_threads {attempt + 1}.0" in body(app))  # noqa: B023 - used at once
    (tmp_path / "config.yaml").write_text("collectors: {shelf: {timeout: 1s}}")
    app.reload()
    assert "shelf" not in app.runners
    assert "collector shelf: 3 of its threads are hung; not started again; fix: restart energy-coll" in caplog.text
    Shelf.gate.set()
    eventually(lambda: "collector_abandoned_threads 0.0" in body(app))
    app.reload()
    eventually(lambda: "shelf_on 1.0" in body(app))


def test_a_run_that_hangs_as_its_collector_is_removed_counts_once_it_is_late(
    make_app, tmp_path, monkeypatch, eventually
):
    monkeypatch.setattr(retired, "INTERVAL", 0.02)
    monkeypatch.setattr(Lamp, "gate", threading.Event())
    app = make_app("collectors: {lamp: {timeout: 300ms}}")
    runner = app.runners["lamp"]
    (tmp_path / "config.yaml").write_text("collectors: {}")
    app.reload()
    assert not runner.hung
    eventually(lambda: "collector_abandoned_threads 1.0" in body(app))
    Lamp.gate.set()


def test_stop_ends_in_time_even_with_a_hung_collector(make_app, monkeypatch, eventually):
    monkeypatch.setattr(Lamp, "gate", threading.Event())
    app = make_app("collectors: {lamp: {timeout: 20ms}, desk: {}}")
    eventually(lambda: app.runners["lamp"].hung)
    assert app.stop(0.1) is False
    Lamp.gate.set()


def test_plugins_are_shown_as_metrics(make_app):
    app = make_app("collectors: {lamp: {}}")
    assert 'collector_plugin_info{plugin="lamp",version="1"} 1.0' in body(app)
    assert "collector_build_info{" in body(app)


def test_secrets_are_announced_before_anything_uses_them(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "hunter2")
    (tmp_path / "config.yaml").write_text("listen: {$env: A_SECRET}")
    app = App(tmp_path / "config.yaml")
    with pytest.raises(ConfigError) as caught:
        app.load()
    assert "hunter2" not in str(caught.value)
    (tmp_path / "config.yaml").write_text("collectors: {}\nroot: {$env: A_SECRET}")
    app.load()
    assert app.redactor("say hunter2") == "say <secret>"
    app.stop()


def fail():
    raise OSError("the bus hangs")


SAYS = {
    "good": lambda: EnergyReading(5, 1.0),
    "silent": lambda: None,
    "failing": fail,
    "nan": lambda: EnergyReading(float("nan"), 1.0),
    "endless": lambda: EnergyReading(1.0, float("inf")),
    "negative": lambda: EnergyReading(-1.0, 1.0),
    "text": lambda: EnergyReading("5", 1.0),
    "number": lambda: 5.0,
}


class Meters(Lamp):
    """Hands over meters, most of them bad."""

    @hookimpl
    def collector_energy_meters(self):
        return [EnergyMeter("cpu", device, "meter", 0.1, 1.0, says, read=says) for device, says in SAYS.items()]


class NoMeters(Desk):
    """Hands over what is not a meter."""

    @hookimpl
    def collector_energy_meters(self):
        return ["cpu"]


def test_a_meter_that_fails_or_says_nonsense_is_named_once_and_costs_no_other_its_energy(make_app, caplog, eventually):
    app = make_app(None, Meters, NoMeters)
    eventually(lambda: all(runner.last_report for runner in app.runners.values()))
    for _ in range(2):
        said = {meter.device: meter.latest() for meter in app.energy_meters()}
    assert said == dict.fromkeys(SAYS, None) | {"good": EnergyReading(5, 1.0)}
    for device in SAYS.keys() - {"good", "silent"}:
        assert caplog.text.count(f"energy meter cpu {device} (meter)") == 1
    assert "the bus hangs" in caplog.text
    assert caplog.text.count("'cpu' is not an EnergyMeter") == 1


class LastingMeter(Lamp):
    """Hands over one and the same meter after each run, and another one beside it."""

    lasting = EnergyMeter("cpu", "lasting", "meter", 0.1, 1.0, lambda: None, read=lambda: None)

    @hookimpl
    def collector_energy_meters(self):
        return [self.lasting, EnergyMeter("cpu", "new", "meter", 0.1, 1.0, lambda: None, read=lambda: None)]


def test_a_meter_that_is_handed_over_again_is_not_checked_again(make_app, eventually):
    app = make_app(None, LastingMeter)
    (runner,) = app.runners.values()
    eventually(lambda: runner.last_report)
    before = app.energy_meters()
    runner.hooks.refresh_energy_meters()
    after = app.energy_meters()
    assert [meter.device for meter in after] == ["lasting", "new"]
    assert [one is other for one, other in zip(before, after, strict=True)] == [True, False]


def test_the_demo_runs_what_plugins_simulate_and_labels_everything(monkeypatch):
    asked = []

    def discover(only=None, *, hook, attempts):
        asked.append(hook)
        return Plugins([Plugin("lamp", "lamp", "1", types=(Lamp,))])

    monkeypatch.setattr(loading, "discover", discover)
    monkeypatch.setattr(Lamp, "detected", NotAvailable("not_found", "no lamp here"))
    app = App(demo=True)
    app.load()
    app.runners["lamp"].run_now()
    lines = app.exposition.body(negotiate("", "")).decode().splitlines()
    app.stop(0.5)
    assert asked == ["collector_demo_types"]
    assert 'lamp_on{demo="true"} 1.0' in lines
    assert all('demo="true"' in line for line in lines if not line.startswith("#"))


def test_outputs_get_every_series_of_metrics(make_app, monkeypatch, tmp_path, eventually):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    taken = Receiver()
    letters = type("Everything", (Letters,), {"receiver": taken, "__doc__": "Takes all."})
    text = "collectors: {lamp: {}}\noutputs: {letters: {batch_wait: 10ms}}\n"
    app = make_app(text, Lamp, Plugin("letters", "letters", "1", outputs=(letters,)))

    def are_all_there():
        shown = {line.rpartition(" ")[0] for line in body(app).splitlines() if line[0] != "#"}
        return {"lamp_on", "process_cpu_seconds_total"} <= shown and shown == {name for name, *_ in taken.taken}

    eventually(are_all_there)


def test_outputs_get_the_first_run_although_the_next_collector_is_yet_to_be_built(
    make_app, monkeypatch, tmp_path, eventually
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    taken = Receiver()
    letters = type("Everything", (Letters,), {"receiver": taken, "__doc__": "Takes all."})
    collectors = "collectors: {lamp: {interval: 1h}, desk: {interval: 1h}}\n"
    outputs = "outputs: {letters: {series: [lamp_on, desk_on], batch_wait: 10ms}}\n"

    class Late(Desk):
        """Is built when the other one has run."""

        def __init__(self, *arguments):
            super().__init__(*arguments)
            eventually(lambda: app.runners["lamp"].last_report)

    plugins = (Lamp, Late, Plugin("letters", "letters", "1", outputs=(letters,)))
    app = make_app("collectors: {}\n", *plugins)
    app._config_file.write_text(collectors + outputs)
    app.reload()
    eventually(lambda: {name for name, *_ in taken.taken} == {"lamp_on", "desk_on"})


def test_two_who_say_at_once_what_is_to_be_looked_after_forget_nobody(make_app, monkeypatch, eventually):
    app = make_app()
    ticked, replace = [], app.watchdog.replace

    class Guard:
        def tick(self, now):
            ticked.append(now)
            return now + 60.0

    other = threading.Thread(target=app.watch, args=(Guard(),))

    def be_overtaken(ticking):
        monkeypatch.setattr(app.watchdog, "replace", replace)
        other.start()
        other.join(0.2)
        replace(ticking)

    monkeypatch.setattr(app.watchdog, "replace", be_overtaken)
    app.reload()
    other.join()
    eventually(lambda: ticked)
