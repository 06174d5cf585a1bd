"""A model server that is asked again and again: what it said last, and how that has grown since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from collector_core import AuthFailed, Clock, HttpClient, NotAvailable, ReadingError, Reason
from collector_plugins.inference.config import Server
from collector_plugins.inference.mapping import Reading
from collector_plugins.inference.samples import parse
from collector_plugins.inference.state import Key, State, states, wanted
from collector_plugins.inference.window import Window, counted, grow

MAX_MODELS = 64
MAX_ANSWER_BYTES = 2 << 20
HEADERS = {"Accept": "text/plain;version=0.0.4"}

_FIXES = {
    Reason.NOT_FOUND: "let `url` be the address of its metrics; Triton has them on a port of their own, 8002",
    Reason.BAD_DATA: "let `url` be the address of its metrics itself",
}


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


@dataclass(frozen=True)
class ServerAnswer:
    """What a server said: what happened since it was asked before, by model; `problem` is why it shows no model."""

    windows: Mapping[str, Window]
    problem: Exception | None = None


@dataclass
class ModelServer:
    """One server that is asked again and again, and the counters of its models."""

    options: Server
    clock: Clock
    _counting: dict[str, _Counting] = field(default_factory=dict)
    _asked_at: float | None = None

    def __post_init__(self) -> None:
        mapping = self.options.known_mapping
        self._mapping = mapping.model_copy(update={"model_label": ""}) if self.options.model else mapping
        self._wanted = wanted(mapping)

    def totals(self, model: str) -> Mapping[Reading, float]:
        """Its counters of a model, as it counts them; where it was started anew they go on."""
        return self._counting[model].totals if model in self._counting else {}

    async def ask(self, http: HttpClient) -> ServerAnswer:
        """Ask it for its metrics; raises `NotAvailable`, `AuthFailed`, and `ReadingError` for a page that is none."""
        page = await self.fetch(http)
        try:
            answer = parse(page, self._wanted)
        except ValueError as error:
            raise ReadingError(f"its answer: {error}") from error
        try:
            found = self._chosen(states(answer, self._mapping, self.options.model or self.options.name))
        except (NotAvailable, ValueError) as error:
            return ServerAnswer({}, error)
        return ServerAnswer(self._count(found))

    async def fetch(self, http: HttpClient) -> bytes:
        """The page with its metrics; raises `NotAvailable` and `AuthFailed`."""
        url, options = self.options.url or "", self.options
        try:
            answer = await http.request(
                "GET", url, headers=HEADERS, token=options.token, timeout=options.timeout, limit=MAX_ANSWER_BYTES
            )
            answer.text()
        except AuthFailed as error:
            raise AuthFailed(error.detail, fix="set its `token`") from None
        except NotAvailable as error:
            fix = _FIXES.get(error.reason, f"start the server, or correct its `url`; try: curl {_without_query(url)}")
            raise NotAvailable(error.reason, error.detail, fix=fix, retry_after=error.retry_after) from None
        return answer.body

    def _count(self, found: Mapping[str, State]) -> dict[str, Window]:
        """What happened in each model since the server was asked before."""
        now, before = self.clock.monotonic(), self._asked_at
        self._asked_at = now
        windows = dict[str, Window]()
        for model, state in found.items():
            if model in self._counting or before is not None:
                # A model that was not there before has counted from 0 since.
                counting = self._counting.setdefault(model, _Counting(before or now, {}, {}))
                windows[model] = counting.update(state, now)
            else:
                self._counting[model] = _Counting(now, state.counters, counted(state.counters))
                windows[model] = Window(None, {}, state)
        if len(self._counting) > MAX_MODELS:  # names that come and go
            self._counting = {model: self._counting[model] for model in windows}
        return windows

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


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()
