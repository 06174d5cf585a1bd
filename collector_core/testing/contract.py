"""What every plugin must keep to, as one assertion."""

from __future__ import annotations

import asyncio
import inspect
import logging
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from collector_core.collector import Collector, CollectorConfig, Context
from collector_core.engine.hooks import checked_sections
from collector_core.engine.worker import Lifecycle
from collector_core.errors import NotAvailable
from collector_core.model.readings import Readings
from collector_core.plugins import documentation
from collector_core.plugins.discovery import check_type
from collector_core.plugins.hookspecs import implementation, implements
from collector_core.testing.harness import FakeClock
from collector_core.testing.meters import MeterWatch

OPEN_FILES = Path("/proc/self/fd")
RUNS = 2


def assert_plugin_contract(
    cls: type[Collector[Any]], empty_root: Path | None = None, *, options: Mapping[str, Any] | None = None
) -> None:
    """Check a collector class against the contract; raises `AssertionError` or `DeclarationError`.

    Checked: names, declarations and prefixes; the class and every option are described; `detect` answers on a machine
    without anything (`empty_root`, by default a temporary folder); the tables of the README titled like the plugin are
    up to date; and, with `options` as the configuration file would give them: the constructor leaves nothing open,
    sections of the status page are there before the first run, `close` works without `open` and twice; a collector
    that hands over energy meters is run twice, whether it finds something or not, and its meters are looked at before,
    between and after it is closed: their form, that `latest` neither blocks nor raises, that joules never fall. Where
    `options` are missing and some are required, all this is left out.
    """
    check_type(cls.name.partition("_")[0], cls)
    _assert_described(cls)
    with tempfile.TemporaryDirectory() as folder:
        ctx = Context(name=cls.name, logger=logging.getLogger(cls.name), root=empty_root or Path(folder))
        _assert_detects(cls, ctx)
        if (config := _config(cls, options)) is not None:
            _assert_lifecycle(cls, config, ctx)
            if implements(cls, "collector_energy_meters"):
                _assert_meters(cls, config, ctx)
    _assert_documented(cls)


def _assert_described(cls: type[Collector[Any]]) -> None:
    assert (cls.__doc__ or "").strip(), f"{cls.__name__} has no docstring"
    for name, field in cls.config_type.model_fields.items():
        assert field.description, f"option {name} has no description"


def _assert_detects(cls: type[Collector[Any]], ctx: Context) -> None:
    answer = cls.detect(ctx)
    assert answer is None or isinstance(answer, NotAvailable), "detect() must return None or NotAvailable"
    assert answer or not cls.only_configured, "detect() says yes, so the collector is not `only_configured`"
    if answer is not None:
        assert answer.detail != answer.reason.value.replace("_", " "), "NotAvailable must say what is missing"


def _config(cls: type[Collector[Any]], options: Mapping[str, Any] | None) -> CollectorConfig | None:
    try:
        return cls.config_type.model_validate(options or {})
    except ValidationError:
        if options is not None:
            raise
        return None


def _assert_lifecycle(cls: type[Collector[Any]], config: CollectorConfig, ctx: Context) -> None:
    before = _open_files()
    collector = cls(config, ctx)
    assert _open_files() == before, f"{cls.__name__}() opens files or sockets; do that in open()"
    if offered := implementation(collector, "collector_page_sections"):
        checked_sections(offered())
    with asyncio.Runner() as runner:
        for _ in range(2):
            runner.run(Lifecycle(collector, cls.default_timeout).close())


def _assert_meters(cls: type[Collector[Any]], config: CollectorConfig, ctx: Context) -> None:
    clock = FakeClock()
    collector = cls(config, replace(ctx, clock=clock))
    meters, lifecycle = MeterWatch(collector), Lifecycle(collector, cls.default_timeout)
    with asyncio.Runner() as runner:
        meters.look()
        for _ in range(RUNS):
            clock.advance(cls.default_interval)
            with suppress(Exception):  # there need not be anything to read
                runner.run(lifecycle.collect(Readings(cls.metrics, max_series=cls.default_max_series)))
            meters.look()
        runner.run(lifecycle.close())
        meters.look()


def _open_files() -> set[str]:
    """The numbers of what this process has open; nothing where the system does not say."""
    return {file.name for file in OPEN_FILES.iterdir()} if OPEN_FILES.exists() else set()


def _assert_documented(cls: type[Collector[Any]]) -> None:
    readme = documentation.readme_of(Path(inspect.getfile(cls)))
    text = readme.read_text(encoding="utf-8") if readme else ""
    if text.startswith(f"# {cls.name}\n"):
        drifted = documentation.fill(text, documentation.readme_tables(cls)) != text
        assert not drifted, f"{readme} does not match the declarations; run `energy-collector docs`"
