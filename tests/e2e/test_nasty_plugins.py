"""Every bad thing in every place, all at once in one program: the good collectors stay whole and fresh, it is said who
is bad, and a signal ends it. What cannot be survived stands in docs/decisions/isolation.md."""

import concurrent.futures
import json
import time

import pytest

from tests.e2e.nasty import DOWN, PLUGINS, QUIET

GOOD = ("system", "energy", "estimate")
RUNS_WATCHED = 4  # of each good collector, once the bad ones have begun
IDS = 'collector="{0}",plugin="{0}"'


@pytest.fixture
def program(collector, plugin_path):
    environment = plugin_path(**{name: nasty.code(name) for name, nasty in PLUGINS.items()})
    good = "".join(f"  {name}: {{interval: 500ms}}\n" for name in GOOD)
    bad = "".join(f"  {name}:\n" for name in PLUGINS)
    return collector(f"collectors:\n{good}{bad}", ready=False, env=environment)


def ok_runs(samples, name):
    return samples.get(f'collector_runs_total{{{IDS.format(name)},result="ok"}}', 0)


def families(samples):
    return {name.partition("{")[0] for name in samples if name.startswith(("system_", "energy_", "estimate_"))}


def rows(program):
    return {row["name"]: row for row in program.request("/api/v1/collectors").json["collectors"]}


def test_there_are_at_least_53():
    assert len(PLUGINS) >= 53


@pytest.mark.timeout(600)
def test_plugins_that_do_every_bad_thing_in_every_place_harm_nobody_else(program, eventually):
    eventually(lambda: answers(program), 60)  # before they have all been given up
    eventually(lambda: all(ok_runs(program.samples(), name) >= 2 for name in GOOD), 120)
    samples = program.samples()
    complete = families(samples)
    first = {name: ok_runs(samples, name) for name in GOOD}
    ask_the_handlers(program)
    while min(ok_runs(samples, name) - first[name] for name in GOOD) < RUNS_WATCHED:
        time.sleep(0.02)
        samples = program.samples()
        assert families(samples) >= complete
        assert [samples[f"collector_up{{{IDS.format(name)}}}"] for name in GOOD] == [1, 1, 1]
        assert program.request("/healthz").status == 200
    assert settled(program) == {}
    shown = rows(program)
    page = program.request("/collectors").text
    for name, nasty in PLUGINS.items():
        assert f'id="collector-{name}"' in page
        assert "ok" in nasty.states or shown[name]["error"], name
        assert nasty.states != DOWN or program.samples()[f"collector_up{{{IDS.format(name)}}}"] == 0
    assert program.stop() == 0
    assert "Traceback" not in program.log
    for name, nasty in PLUGINS.items():
        assert nasty.place == "detect" or nasty.what in QUIET or name in program.log, name


def settled(program):
    for _ in range(600):
        if not unexpected(program):
            break
        time.sleep(0.1)
    return unexpected(program)


def unexpected(program):
    """Those that people see in another state than the one that they should."""
    shown = rows(program)
    return {
        name: (shown[name]["state"], nasty.what)
        for name, nasty in PLUGINS.items()
        if shown[name]["state"] not in nasty.states
    }


def answers(program):
    try:
        return program.request("/metrics").status == 200
    except OSError:
        return False


def asked_until_there(program, path):
    """The status; routes that their collector was slow to tell come later."""
    status = 404
    while status == 404:
        status = program.request(path, timeout=60).status
    return status


def ask_the_handlers(program):
    """All at once; each gets an answer, and `/metrics` meanwhile, too."""
    names = [name for name, nasty in PLUGINS.items() if nasty.place == "handler"]
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        asked = [pool.submit(asked_until_there, program, f"/{name}") for name in names]
        while not all(each.done() for each in asked):
            time.sleep(0.02)
            assert program.request("/metrics").status == 200
    statuses = {name: each.result() for name, each in zip(names, asked, strict=True)}
    assert set(statuses.values()) <= {500, 503}, json.dumps(statuses)
