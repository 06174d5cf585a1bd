"""What the last run left for the web server's thread: never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from collector_plugins.forecast.batteries import Outlook
from collector_plugins.forecast.exhaustion import Resource
from collector_plugins.forecast.state import Known, SeriesState


@dataclass(frozen=True)
class View:
    """The series and what follows from them at `now`, seconds since 1970; 0 before the first run."""

    now: float = 0.0
    series: tuple[SeriesState, ...] = ()
    batteries: tuple[Outlook, ...] = ()
    resources: tuple[Resource, ...] = ()
    zone: tzinfo | None = None

    @property
    def shown(self) -> list[SeriesState]:
        """Series that are forecast now, or that somebody wants, or that say why they are not."""
        return [each for each in self.series if each.refusal or each.spec.wanted or self.current(each)]

    def current(self, state: SeriesState) -> Known | None:
        """What is known of a series, if it is of now."""
        known = state.known
        return known if known and known.trained.place(self.now) is not None else None
