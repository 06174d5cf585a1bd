"""What electricity from the grid costs and emits now, and in the hours to come."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, NotAvailable, Readings, Targets, hookimpl, reason_of
from collector_plugins.grid import metrics
from collector_plugins.grid.config import Config, Provider
from collector_plugins.grid.curve import HOUR, Curve, hour_of
from collector_plugins.grid.provider import Told, read
from collector_plugins.grid.state_file import Said, StateFile, slots_of

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/api/v1/grid"
EVERY = 900.0  # seconds: no provider is asked more often
DEADLINE = 20.0
LONGEST_PAUSE = 3600.0
MAX_BYTES = 1 << 20


@dataclass
class Known:
    """What a provider has said."""

    provider: Provider
    currency: str = ""
    prices: Curve = field(default_factory=Curve)
    carbon: Curve = field(default_factory=Curve)
    turn: int = 0
    asked_at: float = -inf  # seconds since 1970

    @property
    def key(self) -> str:
        """Whom the answers are of, and with which taxes."""
        of = self.provider
        return "|".join(map(str, (of.kind, of.where, of.url, of.fees_per_kwh, of.tax_ratio)))

    def restore(self, said: Said, now: float) -> None:
        """Take what was said before a restart; raises `ValueError`, `TypeError` and `KeyError`."""
        if float(said["asked_at"]) <= now:
            self.prices.add(slots_of(said["prices"]), now)
            self.carbon.add(slots_of(said["carbon"]), now)
            self.asked_at, self.currency = float(said["asked_at"]), str(said["currency"])

    def as_said(self) -> Said:
        """For the file."""
        return {
            "asked_at": self.asked_at,
            "currency": self.currency,
            "prices": self.prices.slots,
            "carbon": self.carbon.slots,
        }

    def take(self, told: Told, now: float) -> None:
        """Take an answer of now."""
        price = self.provider.price
        self.currency = told.currency or self.currency
        self.prices.add((slot._replace(value=price(slot.value)) for slot in told.prices), now)
        self.carbon.add(told.carbon, now)
        self.asked_at = now


class Grid(Collector[Config]):
    """Asks every provider once in a quarter of an hour; what it said holds for as long as it was said to hold."""

    name = "grid"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 30.0
    default_timeout = 25.0

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._is_restored = False
        self._known = {provider.name: Known(provider) for provider in config.providers}
        self._targets: Targets[Known, float] = Targets(
            ctx,
            self._known,
            self._ask,
            interval=EVERY + ctx.interval / 2,  # runs may be early by so much
            deadline=DEADLINE,
            longest_pause=LONGEST_PAUSE,
        )

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never there by itself: the configuration must name a provider."""
        del ctx
        fix = "name one: `grid: {options: {providers: [{name: market, kind: energy_charts, zone: DE-LU}]}}`"
        return NotAvailable("not_found", "no provider is configured", fix=fix)

    async def collect(self, out: Readings) -> None:
        """Ask those that are due, and show what holds now; raises `NotAvailable` where no provider is configured."""
        if not self._known and (nothing := self.detect(self.ctx)):
            raise nothing
        self._restore()
        await self._targets.refresh()
        failures = self._targets.failures
        for name, known in self._known.items():
            self._show(out, name, known)
            if problem := failures.get(name):
                out.add(metrics.UP, 0, provider=name)
                out.add(metrics.UNAVAILABLE, provider=name, reason=reason_of(problem))
                with out.part(provider=name):
                    raise problem.with_traceback(None)

    async def close(self) -> None:
        """Hang up; what was said stays."""
        await self._targets.close()

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`/api/v1/grid`: all that is known of now and the time to come, by provider."""
        if self.ctx.name != self.name:
            return []
        from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

        async def grid(request: web.Request) -> web.Response:
            del request
            return web.json_response({"providers": [_as_json(known) for known in tuple(self._known.values())]})

        return [web.get(PATH, grid)]

    def _restore(self) -> None:
        if self._is_restored:
            return
        self._is_restored = True
        with suppress(OSError):  # a machine without a place for state
            said = self._file().load()
            for known in self._known.values():
                with suppress(KeyError, TypeError, ValueError):
                    known.restore(said[known.key], self.ctx.clock.time())

    def _save(self) -> None:
        if self.ctx.keeps_running:
            with suppress(OSError):
                self._file().save({known.key: known.as_said() for known in self._known.values() if known.asked_at > 0})

    def _file(self) -> StateFile:
        return StateFile(self.ctx.state_dir / "answers.json")

    async def _ask(self, _: str, known: Known) -> float:
        provider, now = known.provider, self.ctx.clock.time()
        if 0 <= now - known.asked_at < EVERY:  # before a restart
            return known.asked_at
        documents = provider.service.documents
        document = documents[known.turn % len(documents)]
        known.turn += 1
        place = provider.place(now)
        question = document.question(place)
        http = self.ctx.http
        if question.body is None:
            answer = await http.request(
                "GET", question.url, headers=question.headers, token=question.token, timeout=DEADLINE, limit=MAX_BYTES
            )
        else:
            answer = await http.post_json(
                question.url, question.body, token=question.token, timeout=DEADLINE, limit=MAX_BYTES
            )
        known.take(read(document, answer.body, place), now)
        self._save()
        return now

    def _show(self, out: Readings, name: str, known: Known) -> None:
        now = self.ctx.clock.time()
        if said := self._targets.last(name):
            out.add(metrics.AGE, max(0.0, now - said.value), provider=name)
            if name not in self._targets.failures:
                out.add(metrics.UP, 1, provider=name)
        of_carbon = {"provider": name, "zone": known.provider.where}
        of_price = of_carbon | {"currency": known.currency}
        out.add_row((metrics.PRICE,), (known.prices.at(now),), **of_price)
        out.add_row((metrics.CARBON,), (known.carbon.at(now),), **of_carbon)
        for hours in range(1, self.config.hours_ahead + 1):
            start = hour_of(now) + hours * HOUR
            price, grams = known.prices.mean(start, start + HOUR), known.carbon.mean(start, start + HOUR)
            out.add_row((metrics.PRICE_AHEAD,), (price,), **of_price, hours=str(hours))
            out.add_row((metrics.CARBON_AHEAD,), (grams,), **of_carbon, hours=str(hours))


def _as_json(known: Known) -> dict[str, Any]:
    of = known.provider
    return {
        "provider": of.name,
        "zone": of.where,
        "currency": known.currency or None,
        "price_per_kwh": _points(known.prices),
        "carbon_grams_per_kwh": _points(known.carbon),
    }


def _points(curve: Curve) -> list[dict[str, float]]:
    return [{"from": slot.start, "to": slot.end, "value": slot.value} for slot in curve.slots]


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Grid,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.grid.demo import DemoGrid  # noqa: PLC0415 - no other command needs it

    return (DemoGrid,)
