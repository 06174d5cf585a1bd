"""A model server that is asked again and again: what it said last, and how that has grown since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from collector_core import AuthFailed, Clock, ForeignCounter, HttpClient, HttpStatusError, NotAvailable, Reason
from collector_plugins.inference.config import MAX_PAGE_MIB, Server
from collector_plugins.inference.mapping import Reading
from collector_plugins.inference.samples import Page
from collector_plugins.inference.state import Key, State, states, wanted
from collector_plugins.inference.window import Window, counted, grow, has_fallen

MAX_MODELS = 64
RAISE_LIMIT = "raise `max_page_mib`, or let the server publish less"
HEADERS = {"Accept": "text/plain;version=0.0.4"}

_FIXES = {
    Reason.NOT_FOUND: "let `url` be the address of its metrics; Triton has them on a port of their own, 8002",
    Reason.BAD_DATA: "let `url` be the address of its metrics itself",
}


@dataclass
class _Counting:
    """The counters of one model as they were `at` a time, and their sums since the first look, which never fall.

    Counters that are lower than before once may be a slip of the server: only the look after that one tells.
    """

    at: float
    counters: Mapping[Key, float]
    in_doubt: bool = False
    _totals: dict[Reading, ForeignCounter] = field(default_factory=dict)

    @property
    def totals(self) -> Mapping[Reading, float]:
        return {reading: counter.total for reading, counter in self._totals.items()}

    def count(self, state: State, now: float) -> None:
        for reading, value in counted(state.counters).items():
            self._totals.setdefault(reading, ForeignCounter()).record(value, now)

    def update(self, state: State, now: float) -> Window:
        self.count(state, now)
        if has_fallen(self.counters, state.counters) and not self.in_doubt:
            self.in_doubt = True
            return Window(None, {}, state)
        seconds, growth = now - self.at, grow(self.counters, state.counters)
        self.at, self.counters, self.in_doubt = now, state.counters, False
        return Window(seconds, growth, state)


@dataclass(frozen=True)
class ServerAnswer:
    """What a server said: what happened since it was asked before, by model; `problem` is why some is absent."""

    windows: Mapping[str, Window]
    problem: Exception | None = None


@dataclass
class ModelServer:
    """One server that is asked again and again, and the counters of its models."""

    options: Server
    clock: Clock
    max_page_mib: int = MAX_PAGE_MIB
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
        """Ask it for its metrics; raises `NotAvailable`, also for a page that is none, and `AuthFailed`."""
        page = Page(self._wanted)
        await self.fetch(http, page)
        try:
            answer = page.finish()
        except ValueError as error:
            raise NotAvailable(Reason.BAD_DATA, f"its answer: {error}", fix=_FIXES[Reason.BAD_DATA]) from None
        try:
            found = self._chosen(states(answer, self._mapping, self.options.model or self.options.name))
        except (NotAvailable, ValueError) as error:
            return ServerAnswer({}, error)
        return ServerAnswer(self._count(found), self._problem_of(page))

    def _problem_of(self, page: Page) -> NotAvailable | None:
        if page.problem is None:
            return None
        return NotAvailable(Reason.BAD_DATA, f"left out: {page.problem}", fix="update the server, or report it there")

    async def fetch(self, http: HttpClient, page: Page) -> None:
        """Get the page with its metrics; raises `NotAvailable` and `AuthFailed`."""
        url, options = self.options.url or "", self.options
        try:
            await http.request(
                "GET",
                url,
                headers=HEADERS,
                token=options.token,
                timeout=options.timeout,
                limit=self.max_page_mib << 20,
                limit_fix=RAISE_LIMIT,
                redirects=True,
                feed=page.feed,
            )
        except AuthFailed as error:
            raise AuthFailed(error.detail, fix="set its `token`") from None
        except NotAvailable as error:
            fix = _remedy(error, _without_query(url))
            raise NotAvailable(error.reason, error.detail, fix=fix, retry_after=error.retry_after) from None

    def _count(self, found: Mapping[str, State]) -> dict[str, Window]:
        """What happened in each model since the server was asked before."""
        now, before = self.clock.monotonic(), self._asked_at
        self._asked_at = now
        windows = dict[str, Window]()
        for model, state in found.items():
            if model in self._counting or before is not None:
                # A model that was not there before has counted from 0 since.
                counting = self._counting.setdefault(model, _Counting(before or now, {}))
                windows[model] = counting.update(state, now)
            else:
                self._counting[model] = _Counting(now, state.counters)
                self._counting[model].count(state, now)
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


def _remedy(error: NotAvailable, url: str) -> str:
    if isinstance(error, HttpStatusError) and 300 <= error.status < 400:
        return f"let `url` be the address that it redirects to, which is on another host or port; see: curl -sI {url}"
    if error.fix == RAISE_LIMIT:
        return RAISE_LIMIT
    return _FIXES.get(error.reason, f"start the server, or correct its `url`; try: curl {url}")


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()
