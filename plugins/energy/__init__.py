"""The energy ledger: watts that add up, what they cost and what they emit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, NotAvailable, PageSection, Published, Readings, hookimpl
from collector_core.metering import REST, Account, EnergyFactors, EnergyMeter, FlowGraph, Ledger, account_of
from collector_plugins.energy import metrics
from collector_plugins.energy.config import Config
from collector_plugins.energy.factors import FactorChoice, Factors
from collector_plugins.energy.flow import EnergyFlow
from collector_plugins.energy.page import FLOW_PATH, PATH, flow_data, power_section
from collector_plugins.energy.power_view import PowerView
from collector_plugins.energy.unattributed import Parts

if TYPE_CHECKING:
    from aiohttp import web

FIX = "energy-collector doctor   # says what each source lacks; `estimate` reckons where nothing measures"


class Energy(Collector[Config]):
    """Adds up the meters that the other collectors hand over, each joule once."""

    name = "energy"
    metrics = metrics.ALL
    config_type = Config
    needs_two_runs = True
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._ledger = Ledger(config.prefer)
        self._parts = Parts()
        self._flow = EnergyFlow()
        self._graph = FlowGraph()
        self._graph_time = 0.0
        self._factors = FactorChoice(config, ctx)
        self._grams: dict[str, float] = {}
        self._costs: dict[str, float] = {}
        self._credits: dict[str, float] = {}
        self._has_run = False
        self._power = PowerView(ctx)
        self._has_recalled = False

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Always there: what it has to add up, it finds out as it runs."""
        del ctx
        return None

    def open(self) -> None:
        """Look up what stands in where no live source answers."""
        self._factors.open()

    async def collect(self, out: Readings) -> None:
        """Take what all meters know; raises `NotAvailable` where there is none, but not at once: others start too."""
        if self.ctx.history.is_kept and not self._has_recalled:
            self._has_recalled = True
            Thread(target=self._power.recall, name="energy-history", daemon=True).start()  # a disk may hang
        meters = list(self.ctx.energy_meters())
        new = self._ledger.update(meters, self.ctx.clock.monotonic())
        problem = self._problem(meters)
        self._power.record(self._ledger, problem)
        published = self.ctx.published()
        factors = self._factors.now(published)
        self._follow_flow(out, meters, published)
        if problem and not self._graph.edges:
            raise problem
        self._has_run = True
        self._account(new, factors)
        self._publish_ledger(out)
        self._publish_meters(out, meters)
        self._publish_factors(out, factors)

    async def close(self) -> None:
        """Stop asking for the carbon intensity; what was counted stays."""
        await self._factors.close()

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`/api/v1/power`: watts by component, now and for a quarter of an hour; joules since the start.

        `/api/v1/energy/flow`: the graph of where the watts go.

        A second ledger, which has a name of its own, offers none: one path cannot answer for two.
        """
        if self.ctx.name != self.name:
            return []
        from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

        async def power(request: web.Request) -> web.Response:
            del request
            return web.json_response(self._power.data())

        async def flow(request: web.Request) -> web.Response:
            del request
            return web.json_response(flow_data(self._graph, self._graph_time))

        return [web.get(PATH, power), web.get(FLOW_PATH, flow)]

    @hookimpl
    def collector_page_sections(self) -> Sequence[PageSection]:
        """The same for people."""
        return [power_section(self._power.data())]

    def _problem(self, meters: Sequence[EnergyMeter]) -> NotAvailable | None:
        if not self._has_run or self._ledger.joules or any(meter.latest() for meter in meters):
            return None
        return NotAvailable("not_found", "no collector hands over an energy meter", fix=FIX)

    def _account(self, new: Mapping[Account, float], factors: Factors) -> None:
        intensity, price = factors
        grams_per_kwh = None if intensity is None else intensity.grams_per_kwh
        by = EnergyFactors(grams_per_kwh, self.config.pue, price.per_kwh if price else None)
        for account, joules in new.items():
            if (grams := by.grams(joules)) is not None:
                self._grams[account.component] = self._grams.get(account.component, 0.0) + grams
        if price and (cost := by.cost(sum(new.values()))) is not None:
            self._costs[price.currency] = self._costs.get(price.currency, 0.0) + max(0.0, cost)
            if cost < 0:  # a counter never falls: what is earned has one of its own
                self._credits[price.currency] = self._credits.get(price.currency, 0.0) - cost

    def _follow_flow(self, out: Readings, meters: Sequence[EnergyMeter], published: Sequence[Published]) -> None:
        self._graph = self._flow.update(meters, self._ledger, published, self.ctx.clock.monotonic())
        self._graph_time = self.ctx.clock.time()
        rows: dict[tuple[str, ...], tuple[float]] = {
            (edge.source, edge.target): (edge.watts,) for edge in self._graph.edges
        }
        out.add_table((metrics.FLOW,), metrics.FLOW.labels, rows)

    def _publish_ledger(self, out: Readings) -> None:
        for account, joules in self._ledger.joules.items():
            out.add(metrics.ENERGY, joules, **account._asdict())
        for account, watts in self._ledger.watts().items():
            out.add(metrics.POWER, watts, **account._asdict())
        counting = [(account_of(meter), meter.uncertainty) for meter in self._ledger.chosen]
        counting += [(REST, meter.uncertainty) for meter in self._ledger.supply]
        uncertainty: dict[tuple[str, str], float] = {}
        for account, ratio in counting:
            key = account.component, account.method
            uncertainty[key] = max(ratio, uncertainty.get(key, 0.0))
        for (component, method), ratio in uncertainty.items():
            out.add(metrics.UNCERTAINTY, ratio, component=component, method=method)

    def _publish_meters(self, out: Readings, meters: Sequence[EnergyMeter]) -> None:
        counting = {account_of(meter) for meter in (*self._ledger.chosen, *self._ledger.supply)}
        for account in dict.fromkeys(account_of(meter) for meter in meters if meter.inside is None):
            out.add(metrics.METER, **account._asdict(), counts="true" if account in counting else "false")
        rest = self._parts.unattributed(meters, self._ledger.chosen, sum(self._ledger.watts().values()))
        out.add_row((metrics.UNATTRIBUTED,), (rest,))

    def _publish_factors(self, out: Readings, factors: Factors) -> None:
        intensity, price = factors
        out.add(metrics.PUE, self.config.pue)
        if intensity:
            out.add(metrics.INTENSITY, intensity.grams_per_kwh, zone=intensity.zone, source=intensity.source)
        if price:
            out.add(metrics.PRICE, price.per_kwh, currency=price.currency, source=price.source)
        for component, grams in self._grams.items():
            out.add(metrics.EMISSIONS, grams, component=component)
        for metric, sums in ((metrics.COST, self._costs), (metrics.CREDIT, self._credits)):
            for currency, total in sums.items():
                out.add(metric, total, currency=currency)


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Energy]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.energy.demo import DemoEnergy  # noqa: PLC0415 - no other command needs it

    return [DemoEnergy]
