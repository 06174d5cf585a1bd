"""What a collector is handed."""

import logging
import stat

import pytest

from collector_core import Collector, Context, Gauge
from collector_core.testing import Harness
from tests.plugserver import PlugServer

SAID = Gauge("probe_said", "Said.")


def context(**changes):
    return Context(**({"name": "garage", "logger": logging.getLogger("test")} | changes))


def test_it_is_built_by_names():
    with pytest.raises(TypeError):
        Context("garage", logging.getLogger("test"))


def test_the_state_folder_is_the_instances_own_and_for_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ctx = context()
    assert list(tmp_path.iterdir()) == []
    folder = ctx.state_dir
    assert folder == tmp_path / "energy-collector" / "garage"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "kept").touch()
    assert (ctx.state_dir / "kept").exists()


def test_without_a_configuration_there_is_nothing_to_redact():
    assert context().redact("plain") == "plain"


def test_the_http_client_is_made_once_and_has_the_runs_timeout():
    ctx = context(timeout=7.0)
    assert ctx.http is ctx.http


def test_connections_are_closed_with_the_collector():
    class Asks(Collector):
        """Asks over HTTP."""

        name, metrics = "probe", (SAID,)
        url = ""

        async def collect(self, out):
            out.add(SAID, await self.ctx.http.get_json(self.url))

    with PlugServer(42) as plug:
        Asks.url = plug.url
        harness = Harness(Asks)
        harness.run()
        (session,) = harness.context.http._sessions.values()
        assert not session.closed
        harness.close()
    assert harness.value(SAID) == 42
    assert session.closed


def test_a_collector_whose_close_fails_lets_go_of_its_connections_too():
    class Clingy(Collector):
        """Cannot let go."""

        name, metrics = "probe", (SAID,)

        async def collect(self, out):
            await self.ctx.http.get_json(plug.url)

        async def close(self):
            raise OSError

    with PlugServer(42) as plug:
        harness = Harness(Clingy)
        harness.run()
        (session,) = harness.context.http._sessions.values()
        with pytest.raises(OSError, match="^$"):
            harness.close()
    assert session.closed
