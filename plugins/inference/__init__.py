"""Latency, throughput, load and energy of model servers, by model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector_core import (
    Collector,
    Context,
    ForeignCounter,
    Metric,
    NotAvailable,
    PushInbox,
    Readings,
    Reason,
    Targets,
    hookimpl,
)
from collector_plugins.inference import metrics
from collector_plugins.inference.config import Config, Server, ServerKind
from collector_plugins.inference.demo import DemoInference
from collector_plugins.inference.gpus import LocalGpus
from collector_plugins.inference.model_server import ModelServer, ServerAnswer
from collector_plugins.inference.published_model import from_push
from collector_plugins.inference.pushed import Pushed
from collector_plugins.inference.servers import models

if TYPE_CHECKING:
    from aiohttp import web

LONGEST_SHOWN = 80  # characters of a model's name in messages
FIX = "name one: `inference: {options: {servers: [{name: chat, source: vllm, url: 'http://127.0.0.1:8000'}]}}`"


class Inference(Collector[Config]):
    """Asks all model servers at once; each may fail, hang or come late alone."""

    name = "inference"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 15.0
    default_timeout = 10.0
    needs_two_runs = True
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._servers = [self.server(each) for each in config.servers if each.source is not ServerKind.PUSH]
        self._targets = Targets(ctx, {each.options.name: each for each in self._servers}, self._ask)
        self._pushed: dict[str, dict[Metric, ForeignCounter]] = defaultdict(dict)
        self._pushing = {server.name: server for server in config.servers if server.source is ServerKind.PUSH}
        self._inbox = PushInbox("inference", Pushed, config.push, ctx.clock, names=self._pushing.keys, wake=ctx.wake)
        self._gpus = LocalGpus()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never there by itself: the configuration must name its servers."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "no model server is configured", fix=FIX)

    def server(self, options: Server) -> ModelServer:
        """A server to ask again and again."""
        return ModelServer(options, self.ctx.clock, self.config.max_page_mib)

    async def open(self) -> None:
        """Raises `NotAvailable` where no server is configured."""
        if not self.config.servers and (problem := self.detect(self.ctx)):
            raise problem

    async def collect(self, out: Readings) -> None:
        """Ask all servers and show each model; raises `NotAvailable` where none answers and none may push."""
        answers = dict(await self._targets.poll(out, label="server", optional=bool(self._pushing)))
        pushed = self._inbox.current()
        self._publish_servers(out, answers, pushed)
        gpus = self._gpus.read_gpus(self.ctx.energy_meters(), self.ctx.published())
        now = self.ctx.clock.monotonic()
        said = [(self._pushing[name], from_push(value, self._pushed[name], now)) for name, value in pushed.items()]
        for model, shown in models(self._servers, answers, said, gpus).items():
            with out.part(model=model[:LONGEST_SHOWN]):
                shown.publish(out, model, self.config.max_layers)

    async def close(self) -> None:
        """Hang up."""
        await self._targets.close()

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """Where programs push, if one is configured."""
        return self._inbox.routes() if self._pushing else []

    async def _ask(self, _: str, server: ModelServer) -> ServerAnswer:
        return await server.ask(self.ctx.http)

    def _publish_servers(
        self, out: Readings, answers: Mapping[str, ServerAnswer], pushed: Mapping[str, Pushed]
    ) -> None:
        for each in self._servers:
            out.add(metrics.SERVER_UP, each.options.name in answers, server=each.options.name)
        for name, answer in answers.items():
            if answer.problem:
                with out.part(server=name):
                    raise answer.problem.with_traceback(None)
        for name in self._pushing:
            out.add(metrics.SERVER_UP, name in pushed, server=name)


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Inference]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """Simulated models."""
    return [DemoInference]
