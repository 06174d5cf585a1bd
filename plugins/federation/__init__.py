"""Other collectors: what their ledgers know, in the ledger and the graph of this one, each joule once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector_core import (
    Collector,
    Context,
    EnergyMeter,
    NotAvailable,
    Readings,
    Reason,
    Targets,
    hookimpl,
)
from collector_plugins.federation import metrics
from collector_plugins.federation.config import Config, RemoteCollector
from collector_plugins.federation.document import PATH, RemoteLedger, parse_answer
from collector_plugins.federation.meters import ForeignMeters

LIMIT = 8 << 20  # bytes of an answer


class Federation(Collector[Config]):
    """Asks every other collector; each may fail, hang or refuse alone."""

    name = "federation"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0
    default_timeout = 10.0
    only_configured = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._targets: Targets[RemoteCollector, RemoteLedger] = Targets(ctx, config.sources, self._ask)
        self._meters = ForeignMeters(ctx.interval)

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never there by itself: the configuration must name other collectors."""
        del ctx
        return _no_source()

    async def collect(self, out: Readings) -> None:
        """Ask those that are due and take what each knows; raises `NotAvailable` where none is configured."""
        if not self.config.sources:
            raise _no_source()
        await self._targets.refresh()
        failures = self._targets.failures
        fresh = {name: said for name in self._targets.answers if (said := self._targets.last(name))}
        self._meters.update((name, self.config.sources[name], *said) for name, said in fresh.items())
        for name in self.config.sources:
            if said := fresh.get(name):
                self._show(out, name, said.value, self.ctx.clock.monotonic() - said.time)
            elif name in failures:
                metrics.HEALTH.add_down(out, name, failures[name])

    async def close(self) -> None:
        """Hang up."""
        await self._targets.close()

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """What the other collectors' ledgers hold, as meters of other hosts; this machine's ledger counts none."""
        return self._meters.offered

    async def _ask(self, name: str, source: RemoteCollector) -> RemoteLedger:
        return parse_answer(await self._get(name, source))

    async def _get(self, name: str, source: RemoteCollector) -> Any:
        del name
        return await self.ctx.http.get_json(
            f"{source.url}{PATH}",
            token=source.token,
            login=source.login,
            ca_file=str(source.ca_file) if source.ca_file else None,
            verify=source.verify,
            limit=LIMIT,
        )

    def _show(self, out: Readings, name: str, answer: RemoteLedger, since: float) -> None:
        metrics.HEALTH.add_up(out, name)
        out.add(metrics.AGE, since + answer.age_seconds, device=name)
        out.add(metrics.METERS, len(answer.parts), device=name)
        oldest = max((part.age_seconds for part in answer.parts), default=None)
        row = (metrics.METER_AGE, metrics.POWER)
        out.add_row(
            row, (None if oldest is None else since + answer.age_seconds + oldest, answer.total_watts), device=name
        )
        if answer.rejected:
            with out.part(device=name):
                more = f"; and {len(answer.rejected) - 1} more" if len(answer.rejected) > 1 else ""
                raise NotAvailable(Reason.BAD_DATA, f"a part cannot be read: {answer.rejected[0]}{more}")


def _no_source() -> NotAvailable:
    fix = 'name one: `federation: {options: {sources: {nas: {url: "http://192.0.2.7:9877"}}}}`'
    return NotAvailable(Reason.NOT_FOUND, "no other collector is configured", fix=fix)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Federation,)
