"""A model server that is asked again and again: what it said last, and how that has grown since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from collector_core import Clock, NotAvailable, ReadingError, Reason
from collector_plugins.inference.config import Server
from collector_plugins.inference.mapping import Reading
from collector_plugins.inference.samples import parse
from collector_plugins.inference.scrape import Client
from collector_plugins.inference.state import Key, State, states, wanted
from collector_plugins.inference.window import Window, counted, grow

MAX_MODELS = 64


@dataclass
class _Counting:
    """The counters of one model as they were `at` a time, and their sums since the first look, which never fall."""

    at: float
    counters: Mapping[Key, float]
    totals: dict[Reading, float]

    def update(self, state: State, now: float) -> Window:
        seconds, growth = now - self.at, grow(self.counters, state.counters)
        for reading, value in counted(growth).items():
            self.totals[reading] = self.totals.get(reading, 0.0) + value
        self.at, self.counters = now, state.counters
        return Window(seconds, growth, state)


@dataclass
class Watched:
    """One server. After `look`, `windows` says what happened since the look before, by model; `error` what is wrong."""

    options: Server
    client: Client
    clock: Clock
    windows: dict[str, Window] = field(default_factory=dict)
    error: Exception | None = None
    is_up: bool = False
    _counting: dict[str, _Counting] = field(default_factory=dict)
    _looked_at: float | None = None

    def __post_init__(self) -> None:
        mapping = self.options.known_mapping
        self._mapping = mapping.model_copy(update={"model_label": ""}) if self.options.model else mapping
        self._wanted = wanted(mapping)

    def totals(self, model: str) -> Mapping[Reading, float]:
        """Its counters of a model, as it counts them; where it was started anew they go on."""
        return self._counting[model].totals if model in self._counting else {}

    async def look(self, seconds: float) -> None:
        """Ask it, for at most so many seconds; what goes wrong is in `error`."""
        self.windows, self.error, self.is_up = {}, None, False
        try:
            answer = parse(await self.fetch(seconds), self._wanted)
            self.is_up = True
            self._take(states(answer, self._mapping, self.options.model or self.options.name))
        except ValueError as error:
            self.error = ReadingError(f"its answer: {error}")
        except Exception as error:  # noqa: BLE001 - whatever one server does, the others are shown
            self.error = error

    async def fetch(self, seconds: float) -> bytes:
        """Its metrics; raises `NotAvailable`."""
        return await self.client.fetch(self.options.url or "", self.options.token, seconds)

    def _take(self, found: Mapping[str, State]) -> None:
        now, before = self.clock.monotonic(), self._looked_at
        self._looked_at = now
        for model, state in self._chosen(found).items():
            if model in self._counting or before is not None:
                # A model that was not there at the look before has counted from 0 since.
                counting = self._counting.setdefault(model, _Counting(before or now, {}, {}))
                self.windows[model] = counting.update(state, now)
            else:
                self._counting[model] = _Counting(now, state.counters, counted(state.counters))
                self.windows[model] = Window(None, {}, state)
        if len(self._counting) > MAX_MODELS:  # names that come and go
            self._counting = {model: self._counting[model] for model in self.windows}

    def _chosen(self, found: Mapping[str, State]) -> Mapping[str, State]:
        """The models to show; raises `NotAvailable` where there are none, or too many."""
        if not found:
            detail = (
                f"has none of the metrics of {self.options.source}: nothing was served yet, or it is something else"
            )
            raise NotAvailable(Reason.NOT_FOUND, detail, fix="send it a request, or correct its `source` or `mapping`")
        patterns = self.options.models
        chosen = {name: found[name] for name in found if any(fnmatchcase(name, pattern) for pattern in patterns)}
        if len(chosen) > MAX_MODELS:
            detail = f"has {len(chosen)} models, {MAX_MODELS} at most are shown"
            raise NotAvailable(Reason.BAD_DATA, detail, fix="name those to show in its `models`")
        return chosen
