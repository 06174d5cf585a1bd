"""Plugins that do every bad thing in every place where the program calls them: `PLUGINS` is name → Nasty."""

import textwrap
from dataclasses import dataclass

HANG = "threading.Event().wait()"
EXIT = "sys.exit('enough')"
PANIC = "raise Panic('panic')"
RAISE = "raise ValueError('no')"
INTERRUPT = "raise KeyboardInterrupt"
CANCEL = "raise asyncio.CancelledError"
MUTE = "raise Mute"
FLOOD = "[logging.getLogger(NAME).error('flood %d', number) for number in range(20_000)]"
PRINT = "[print('flood', number) for number in range(20_000)]"
FORK = "fork()"
THREADS = "[threading.Thread(target=threading.Event().wait, daemon=False).start() for _ in range(20)]"

QUIET = [FLOOD, PRINT, FORK, THREADS]  # which are nobody's failure

CODE = """
import asyncio, logging, os, sys, threading, time
from collector_core import Collector, CollectorConfig, EnergyMeter, EnergyReading, Field, Gauge, PageSection, hookimpl

NAME = {name!r}
VALUE = Gauge(f"{{NAME}}_value", "A number.", labels=())


class Panic(BaseException):
    pass


class Mute(Exception):
    def __str__(self):
        {HANG}


def fork(children=[]):
    if not children and children.append(os.fork()) is None and children == [0]:
        time.sleep(5)
        os._exit(0)


{top}


class Config(CollectorConfig):
    {config}


class Nasty(Collector[Config]):
    name, metrics, config_type, default_interval, default_timeout = NAME, (VALUE,), Config, 1.0, 0.5

    {body}


@hookimpl
def collector_types():
    {types}
"""
COLLECT = "def collect(self, out):\n    {}\n    out.add(VALUE, 1)"
METHODS = {
    "detect": "@classmethod\ndef detect(cls, ctx):\n    {}",
    "constructor": "def __init__(self, config, ctx):\n    super().__init__(config, ctx)\n    {}",
    "labels": "@property\ndef labels(self):\n    {}",
    "open": "def open(self):\n    {}",
    "collect": COLLECT,
    "coroutine": f"async {COLLECT}",
    "close": "def close(self):\n    {}\n\ndef open(self):\n    raise ConnectionError('gone')",
    "routes": "@hookimpl\ndef collector_routes(self):\n    {}",
    "handler": (
        "@hookimpl\ndef collector_routes(self):\n    from aiohttp import web\n"
        "    async def handle(request):\n        {}\n"
        "    return [web.get('/' + NAME, handle)]"
    ),
    "observer": "@hookimpl\ndef collector_run_finished(self, report):\n    {}",
    "meters": "@hookimpl\ndef collector_energy_meters(self):\n    {}",
    "latest": (
        "@hookimpl\ndef collector_energy_meters(self):\n    def latest():\n        {}\n"
        "    return [EnergyMeter(NAME, '0', 'meter', 0.1, 1.0, latest, read=latest)]"
    ),
    "sections": "@hookimpl\ndef collector_page_sections(self):\n    {}",
}

DOWN = ("cannot run",)
FAILS = ("error", "timeout")
RUNS = ("ok", "partial")


@dataclass(frozen=True)
class Nasty:
    """What a plugin does, where, and in which states people see it."""

    place: str
    what: str
    states: tuple[str, ...]

    def code(self, name):
        """The plugin's module."""
        parts = {"top": "", "config": "pass", "types": "return [Nasty]", "body": COLLECT.format("pass")}
        if self.place in METHODS:
            body = METHODS[self.place].format(self.what)
            parts["body"] = body if "collect(" in body else f"{body}\n\n{parts['body']}"
        elif self.place == "validator":
            parts["config"] = f"@classmethod\ndef model_validate(cls, *_, **__):\n    {self.what}"
        else:
            parts[self.place] = self.what
        indented = {key: textwrap.indent(text, "    ").strip() if key != "top" else text for key, text in parts.items()}
        return CODE.format(name=name, HANG=HANG, **indented)


def everywhere(states, **kinds):
    """One plugin for each place and each kind of badness there."""
    return {(place, what): Nasty(place, what, states) for place, whats in kinds.items() for what in whats}


EVERY = everywhere(
    DOWN,
    top=[RAISE, EXIT, PANIC, INTERRUPT, CANCEL, HANG, MUTE],
    types=[RAISE, EXIT, PANIC, HANG, "return 5", "return [object]"],
    validator=[EXIT, PANIC, HANG],
    constructor=[RAISE, EXIT, PANIC, CANCEL, HANG, MUTE],
    labels=[EXIT, HANG],
)
EVERY |= everywhere(
    FAILS,
    open=[EXIT, HANG],
    collect=[RAISE, EXIT, PANIC, INTERRUPT, CANCEL, HANG, MUTE],
    coroutine=[EXIT, HANG, "await asyncio.Event().wait()"],
    close=[EXIT, HANG],
    meters=[HANG],
    observer=[HANG],
    sections=[HANG],
)
EVERY |= everywhere(
    RUNS,
    top=QUIET,
    detect=[EXIT, HANG],
    routes=[RAISE, EXIT, PANIC, HANG, "return 5", "return ['x']"],
    handler=[RAISE, EXIT, PANIC, CANCEL, HANG, MUTE, "await asyncio.Event().wait()", "return 5"],
    observer=[RAISE, EXIT, PANIC],
    meters=[RAISE, EXIT, PANIC, "return 5", "return [5]"],
    latest=[RAISE, EXIT, PANIC, "return 5"],
    sections=[RAISE, EXIT, PANIC, "return [5]"],
)
EVERY |= everywhere((*RUNS, "timeout"), collect=QUIET)  # a busy machine takes long for so many lines
PLUGINS = {f"nasty_{number:02}_{nasty.place}": nasty for number, nasty in enumerate(EVERY.values())}
