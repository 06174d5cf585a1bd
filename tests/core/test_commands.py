"""What plugins' commands work with."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from collector_core import CommandContext, NotAvailable, Sample
from collector_core.app import App


@pytest.fixture
def context(probe, instance):
    """A context with one collector, and the script that it follows."""
    cls, script = probe
    app = App(root=Path("/host"))
    runner = app.add(instance(cls))
    yield SimpleNamespace(command=CommandContext(app, {"probe": runner}.__getitem__), script=script)
    app.stop(0.5)


def test_it_reads_a_collector_now(context):
    assert context.command.read("probe") == [Sample("probe_power_watts", {"plug": "a"}, 1.0)]
    assert context.command.read("probe")
    assert context.script.calls == ["open", "collect", "collect"]


def test_what_is_missing_and_what_fixes_it_is_said(context):
    def collect(out):
        raise NotAvailable("permission", "it is locked", fix="unlock it")

    context.script.collect = collect
    with pytest.raises(NotAvailable, match="probe: it is locked") as caught:
        context.command.read("probe")
    assert (caught.value.reason, caught.value.fix) == ("permission", "unlock it")


def test_it_knows_the_configured_root(context):
    assert context.command.path("/proc/stat") == Path("/host/proc/stat")
