"""What a plugin author writes: a `Collector` with its configuration, and the `Context` it runs in."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from collector_core.errors import NotAvailable
from collector_core.history.past import History
from collector_core.metering.meters import EnergyMeter
from collector_core.model.clock import Clock, SystemClock
from collector_core.model.metrics import Metric
from collector_core.model.published import Published
from collector_core.model.readings import Readings
from collector_core.options import Options
from collector_core.storage.user_folders import state_home

if TYPE_CHECKING:
    from collector_core.http.client import HttpClient


class CollectorConfig(Options):
    """The `options` of a collector: subclass it, one field per option. Unknown keys are errors."""


ConfigT = TypeVar("ConfigT", bound=CollectorConfig)


def under(root: Path, path: str) -> Path:
    """An absolute path below `root`."""
    return root / PurePosixPath(path).relative_to("/")


def _stay_asleep() -> None:
    """Nobody is there who could run."""


def _record_nothing(kind: str, text: str) -> None:
    """No history is kept."""
    del kind, text


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the framework hands to a collector.

    `interval` and `timeout` are in seconds; `root` is where the machine's `/proc` and `/sys` are found. `energy_meters`
    returns what all running collectors hand over at this moment, `published` what all sources show, those of the
    framework too; neither blocks. `keeps_running` is False in a program that looks once and ends, such as `once` or
    `doctor`: a collector then leaves alone what the service beside it keeps, and tells nobody. `redact` takes the
    secrets of the configuration out of a text. `wake` ends a pause after failures, because what the collector waits for
    has come; safe to call from any thread. `record_event` notes in the history that something happened now: a word such
    as `mode`, and a sentence; it never blocks. `history` answers for the past, for months of it.
    """

    name: str
    logger: logging.Logger
    interval: float = 5.0
    timeout: float = 5.0
    clock: Clock = field(default_factory=SystemClock)
    root: Path = Path("/")
    energy_meters: Callable[[], Sequence[EnergyMeter]] = tuple
    published: Callable[[], Sequence[Published]] = tuple
    keeps_running: bool = True
    redact: Callable[[str], str] = str
    wake: Callable[[], None] = _stay_asleep
    record_event: Callable[[str, str], None] = _record_nothing
    history: History = field(default_factory=History)

    @cached_property
    def http(self) -> HttpClient:
        """A client for collectors with coroutines; its connections are closed when the collector is."""
        from collector_core.http.client import HttpClient  # noqa: PLC0415 - for those who ask over HTTP

        return HttpClient(self.timeout)

    @property
    def state_dir(self) -> Path:
        """The instance's own folder for what should outlive a restart; made here, for nobody else to read."""
        folder = state_home() / self.name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def path(self, path: str) -> Path:
        """An absolute path of the machine, e.g. `/sys/class/powercap`, below the configured root."""
        return under(self.root, path)


class Collector(ABC, Generic[ConfigT]):
    """Reads one kind of source. One instance lives on one thread and never overlaps itself.

    Class attributes: `name` (the plugin's one name), `metrics` (all it can publish), `config_type` (its options),
    `default_interval` and `default_timeout` (seconds), `default_max_series` (what is beyond is left out, so that a bug
    cannot flood Prometheus), `needs_two_runs` (whether rates and differences make the first run incomplete, so that
    `once` runs it twice), `after_others` (whether it works with what others hand over, so that `once` runs it last),
    `only_configured` (whether `detect` never says yes, so that who looks for what is here need not load its plugin).
    `open`, `collect` and `close` may be coroutines; they then run on an event loop of the instance's own. Where it
    depends on the options whether there are any, the constructor says so in `has_coroutines`.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    config_type: ClassVar[type[CollectorConfig]] = CollectorConfig
    default_interval: ClassVar[float] = 5.0
    default_timeout: ClassVar[float] = 5.0
    default_max_series: ClassVar[int] = 2000
    needs_two_runs: ClassVar[bool] = False
    after_others: ClassVar[bool] = False
    has_coroutines: bool | None = None
    only_configured: ClassVar[bool] = False

    def __init__(self, config: ConfigT, ctx: Context) -> None:
        self.config = config
        self.ctx = ctx

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Whether there is anything to read below `ctx.root`: None if so, else why not and what fixes it.

        The default is for plugins that cannot know: they are disabled until the configuration names them.
        """
        del ctx
        return NotAvailable("not_found", "disabled by default", fix=how_to_enable(cls))

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of every series of this instance that follow from its options, such as `demo="true"`."""
        return {}

    def open(self) -> Awaitable[None] | None:
        """Connect or probe; called before the first run and again after a failure. Raises `NotAvailable`."""
        return None

    @abstractmethod
    def collect(self, out: Readings) -> Awaitable[None] | None:
        """Read the source once and add what it says to `out`.

        Raise `NotAvailable` when the source is gone and `AuthFailed` when it refuses us; any other exception counts
        as an error: the collector is closed, backed off and opened again.
        """

    def close(self) -> Awaitable[None] | None:
        """Let go of everything; legal without `open` and any number of times."""
        return None


def how_to_enable(cls: type[Collector[Any]]) -> str:
    """What to add to a configuration so that a collector runs, with the options that must be given."""
    fields = cls.config_type.model_fields.items()
    required = [f"{field.alias or name}: …" for name, field in fields if field.is_required()]
    options = f"options: {{{', '.join(required)}}}" if required else ""
    return f"add `{cls.name}: {{{options}}}` to `collectors:`"
