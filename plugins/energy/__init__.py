"""The energy ledger: watts that add up, what they cost and what they emit."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, NotAvailable, PageSection, Published, Readings, hookimpl
from collector_core.metering import (
    REST,
    Account,
    Component,
    EnergyFactors,
    EnergyMeter,
    FlowGraph,
    Ledger,
    account_of,
)
from collector_plugins.energy import metrics
from collector_plugins.energy.battery_file import BatteryFile
from collector_plugins.energy.bill import Bill, publish_bill
from collector_plugins.energy.config import Config
from collector_plugins.energy.factors import FactorChoice, Sources
from collector_plugins.energy.flow import EnergyFlow
from collector_plugins.energy.page import FLOW_PATH, PATH, SITE_PATH, flow_data, power_section
from collector_plugins.energy.power_view import PowerView
from collector_plugins.energy.site import Site
from collector_plugins.energy.unattributed import Parts

if TYPE_CHECKING:
    from aiohttp import web

FIX = "energy-collector doctor   # says what each source lacks; `estimate` helps where nothing measures"


class Energy(Collector[Config]):
    """Adds up the meters that the other collectors hand over, each joule once."""

    name = "energy"
    metrics = metrics.ALL
    config_type = Config
    default_max_series = 20_000  # other collectors bring theirs
    needs_two_runs = True
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._ledger = Ledger(config.prefer)
        self._parts = Parts()
        self._site = Site(ctx)
        self._batteries: BatteryFile | None = BatteryFile(ctx)
        self._flow = EnergyFlow(self._site.agent)
        self._graph = FlowGraph()
        self._graph_time = 0.0
        self._choice = FactorChoice(config, ctx)
        self.has_coroutines = config.live is not None
        self._grams: dict[str, float] = {}
        self._bill = Bill()
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
        self._choice.open()

    def collect(self, out: Readings) -> None:
        """Take what all meters know; raises `NotAvailable` where there is none, but not at once: others start too."""
        if self.ctx.history.is_kept and not self._has_recalled:
            self._has_recalled = True
            Thread(target=self._power.recall, name="energy-history", daemon=True).start()  # a disk may hang
        meters = list(self.ctx.energy_meters())
        new = self._ledger.update(meters, self.ctx.clock.monotonic())
        problem = self._problem(meters)
        self._power.record(self._ledger, problem)
        published = self.ctx.published()
        sources = self._choice.now(published)
        factors = sources.with_pue(self.config.pue)
        self._follow_flow(out, meters, new, published, factors)
        if problem and not self._graph.edges:
            raise problem
        self._has_run = True
        self._account(new, factors)
        self._publish_ledger(out)
        self._publish_meters(out, meters)
        self._publish_factors(out, sources)

    def close(self) -> Awaitable[None] | None:
        """Stop asking for the carbon intensity; what was counted stays."""
        if self._batteries:
            self._batteries.close(self._site.mix)
        return self._choice.close()

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`/api/v1/power`: watts by component, now and for a quarter of an hour; joules since the start.

        `/api/v1/energy/flow`: the graph of where the watts go. `/api/v1/energy/site`: all that is known, in one sum.

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

        async def site(request: web.Request) -> web.Response:
            del request
            return web.json_response(self._site.data())

        return [web.get(PATH, power), web.get(FLOW_PATH, flow), web.get(SITE_PATH, site)]

    @hookimpl
    def collector_page_sections(self) -> Sequence[PageSection]:
        """The same for people."""
        return [power_section(self._power.data())]

    def _problem(self, meters: Sequence[EnergyMeter]) -> NotAvailable | None:
        if (
            not self._has_run
            or self._ledger.joules
            or self._site.has_counted
            or any(meter.latest() for meter in meters)
        ):
            return None
        return NotAvailable("not_found", "no collector hands over an energy meter", fix=FIX)

    def _account(self, new: Mapping[Account, float], factors: EnergyFactors) -> None:
        for account, joules in new.items():
            if (grams := factors.grams(joules)) is not None:
                self._grams[account.component] = self._grams.get(account.component, 0.0) + grams
        self._bill.add(factors.cost(sum(new.values())), factors.currency)

    def _follow_flow(
        self,
        out: Readings,
        meters: Sequence[EnergyMeter],
        new: Mapping[Account, float],
        published: Sequence[Published],
        factors: EnergyFactors,
    ) -> None:
        flow = self._flow.update(meters, self._ledger, new, published, self.ctx.clock.monotonic())
        self._graph, self._graph_time = flow.graph, self.ctx.clock.time()
        self._site.update(flow, factors)
        if self._batteries:
            self._batteries.follow(self._site.mix)
        self._site.publish(out)
        edges = self._graph.edges
        ends = [(edge.source, edge.target) for edge in edges]
        out.add_column(metrics.FLOW, ends, [edge.watts for edge in edges])

    def _publish_ledger(self, out: Readings) -> None:
        joules, watts = self._ledger.joules, self._ledger.watts()
        out.add_column(metrics.ENERGY, list(joules), list(joules.values()))
        out.add_column(metrics.POWER, list(watts), list(watts.values()))
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
        for account in dict.fromkeys(map(account_of, filter(_is_shown, meters))):
            out.add(metrics.METER, **account._asdict(), counts="true" if account in counting else "false")
        rest = self._parts.unattributed(meters, self._ledger.chosen, sum(self._ledger.watts().values()))
        out.add_row((metrics.UNATTRIBUTED,), (rest,))

    def _publish_factors(self, out: Readings, sources: Sources) -> None:
        intensity, price = sources
        out.add(metrics.PUE, self.config.pue)
        if intensity:
            out.add(metrics.INTENSITY, intensity.grams_per_kwh, zone=intensity.zone, source=intensity.source)
        if price:
            out.add(metrics.PRICE, price.per_kwh, currency=price.currency, source=price.source)
        for component, grams in self._grams.items():
            out.add(metrics.EMISSIONS, grams, component=component)
        publish_bill(out, self._bill, metrics.COST, metrics.CREDIT)


def _is_shown(meter: EnergyMeter) -> bool:
    return meter.inside in (None, Component.HOST) and not meter.is_foreign


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Energy]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.energy.demo import DemoEnergy  # noqa: PLC0415 - no other command needs it

    return [DemoEnergy]
