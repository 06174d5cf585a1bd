"""What plugins' commands work with."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from collector_core import CommandContext, NotAvailable, ResultFile, Sample
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


def test_it_reads_a_collector_before_it_asks_for_its_energy_meters(context):
    assert list(context.command.energy_meters("probe")) == []
    assert context.script.calls == ["open", "collect"]

    def collect(out):
        raise NotAvailable("permission", "it is locked")

    context.script.collect = collect
    with pytest.raises(NotAvailable, match="probe: it is locked"):
        context.command.energy_meters("probe")


def test_a_result_is_written_with_the_folders_above_it(tmp_path):
    file = ResultFile(tmp_path / "a/b/model.json", replace=False)
    assert not file.path.parent.exists()
    file.write("{}")
    assert file.path.read_text() == "{}"
    assert list(file.path.parent.iterdir()) == [file.path]


def test_a_result_that_is_there_is_replaced_only_if_asked(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("old")
    with pytest.raises(NotAvailable, match="is there already") as caught:
        ResultFile(path, replace=False)
    assert "--force" in caught.value.fix
    ResultFile(path, replace=True).write("new")
    assert path.read_text() == "new"


def test_a_place_where_nothing_may_be_written_is_named_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAvailable, match=r"model\.json cannot be written: .*/file is no folder"):
        ResultFile(tmp_path / "file/model.json", replace=False)


def test_a_place_that_went_meanwhile_is_named(tmp_path):
    file = ResultFile(tmp_path / "new/model.json", replace=False)
    (tmp_path / "new").write_text("")
    with pytest.raises(NotAvailable, match=r"model\.json cannot be written: File exists"):
        file.write("{}")
