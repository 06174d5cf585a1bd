"""What a store of sites keeps and answers, whatever database is behind it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from collector_core.metering import JOULES_PER_KWH
from collector_plugins.sites.reading import Reading, extra_of
from collector_plugins.sites.site import Change, Site
from collector_plugins.sites.source_names import usual_name

if TYPE_CHECKING:
    from collector_plugins.sites.plain_runs import Run

HOUR = 3_600_000  # milliseconds


def hour_of(moment: int) -> int:
    """The hour that an interval belongs to that ends at `moment`: it holds what ends after its begin, up to its end."""
    return (moment - 1) // HOUR


def together(places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], list[int]]:
    """Sites with the same hours in a row, by the first and the last of these; `places` (site, hour) in order."""
    rows: list[tuple[int, int, int]] = []
    for number, hour in places:
        if rows and rows[-1][0] == number and rows[-1][2] == hour - 1:
            rows[-1] = (number, rows[-1][1], hour)
        else:
            rows.append((number, hour, hour))
    found: dict[tuple[int, int], list[int]] = {}
    for number, first, last in rows:
        found.setdefault((first, last), []).append(number)
    return found


class Row(NamedTuple):
    """A reading as it is kept; times in milliseconds, power in watts, the total in kWh, TH/s; `extra` is JSON."""

    time: int
    interval: int
    power: float | None
    total: float | None
    hashrate: float | None
    extra: str | None


def interval_of(reading: Reading) -> int:
    """How long a reading's interval is, in milliseconds."""
    return round(reading.interval_seconds * 1000)


def row_of(reading: Reading) -> Row:
    """A reading as it is kept."""
    return Row(
        reading.timestamp,
        interval_of(reading),
        reading.power_watts,
        reading.energy_kwh,
        reading.hashrate_th,
        extra_of(reading),
    )


@dataclass
class MeterRows:
    """What one meter said in a period, in time order, with what its totals need from before and after.

    `before` is the last total before the period with its time, `last_total_at` when the meter gave its latest total,
    `after` the first reading after the period.
    """

    meter: str
    before: tuple[int, float] | None
    last_total_at: int | None
    rows: list[Row]
    after: Row | None = None


@dataclass
class Part:
    """Energy of one source whose factor comes from one origin: metered, and with PUE. Grams may be unknown."""

    kwh: float = 0.0
    facility_kwh: float = 0.0
    location_grams: float | None = None
    market_grams: float | None = None

    def add(self, other: Part) -> None:
        """Add another part of the same source."""
        self.kwh += other.kwh
        self.facility_kwh += other.facility_kwh
        self.location_grams = add_known(self.location_grams, other.location_grams)
        self.market_grams = add_known(self.market_grams, other.market_grams)


@dataclass
class Mean:
    """A mean that grows: the sum of what was said, and how often."""

    total: float = 0.0
    count: int = 0

    def add(self, total: float, count: int = 1) -> None:
        """Add one value, or many."""
        self.total += total
        self.count += count

    @property
    def value(self) -> float | None:
        """The mean; None of nothing."""
        return self.total / self.count if self.count else None


def add_known(one: float | None, other: float | None) -> float | None:
    """The sum of what is known; None where nothing is."""
    return other if one is None else one if other is None else one + other


@dataclass
class Piece:
    """What a site did in a while: an hour, or what an answer needs.

    `kwh` is metered, `facility_kwh` times PUE; `power_joules` over `power_seconds` is the mean power, `terahashes` over
    `hash_seconds` the mean hash rate; `spans` are the times that readings cover, merged, in milliseconds, and
    `covered_seconds` how long they are; `first` and `last` the times of readings.
    """

    readings: int = 0
    kwh: float = 0.0
    facility_kwh: float = 0.0
    cost: float | None = None
    power_joules: float = 0.0
    power_seconds: float = 0.0
    peak: float | None = None
    terahashes: float = 0.0
    hash_seconds: float = 0.0
    covered_seconds: float = 0.0
    first: int = 0
    last: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    grid_load: Mean = field(default_factory=Mean)
    grid_price: Mean = field(default_factory=Mean)

    def add(self, other: Piece) -> None:
        """Add what happened in another while that does not overlap; `spans` are left to be merged."""
        self.first = min(self.first, other.first) if self.readings and other.readings else self.first or other.first
        self.last = max(self.last, other.last)
        self.readings += other.readings
        self.kwh += other.kwh
        self.facility_kwh += other.facility_kwh
        self.cost = add_known(self.cost, other.cost)
        self.power_joules += other.power_joules
        self.power_seconds += other.power_seconds
        peaks = [peak for peak in (self.peak, other.peak) if peak is not None]
        self.peak = max(peaks, default=None)
        self.terahashes += other.terahashes
        self.hash_seconds += other.hash_seconds
        self.covered_seconds += other.covered_seconds
        self.spans.extend(other.spans)
        for key, part in other.parts.items():
            self.parts.setdefault(key, Part()).add(part)
        self.grid_load.add(other.grid_load.total, other.grid_load.count)
        self.grid_price.add(other.grid_price.total, other.grid_price.count)

    @property
    def location_grams(self) -> float | None:
        """Grams of CO2 equivalent, location-based; None where no factor is known."""
        return sum_known(part.location_grams for part in self.parts.values())

    @property
    def market_grams(self) -> float | None:
        """Grams of CO2 equivalent, market-based; None where no factor is known."""
        return sum_known(part.market_grams for part in self.parts.values())

    def share_of(self, sources: Container[str]) -> float | None:
        """The share of the metered energy that is of some sources, by their usual names; None without energy."""
        if not self.kwh:
            return None
        kwh = sum(part.kwh for (source, _), part in self.parts.items() if usual_name(source) in sources)
        return min(1.0, kwh / self.kwh)

    @property
    def mean_power(self) -> float | None:
        """Watts over the covered time."""
        return self.power_joules / self.power_seconds if self.power_seconds else None

    @property
    def mean_hashrate(self) -> float | None:
        """TH/s over the time in which it was read."""
        return self.terahashes / self.hash_seconds if self.hash_seconds else None

    @property
    def joules_per_terahash(self) -> float | None:
        """Energy per work done, where both are known."""
        hashrate, seconds = self.mean_hashrate, self.covered_seconds
        return self.kwh * JOULES_PER_KWH / seconds / hashrate if hashrate and seconds else None


class SiteSum(NamedTuple):
    """What a site did in some hours, added up; the piece has no `spans`.

    `begin` is where its first interval begins, in milliseconds; `overlaps` says that an interval of one hour reaches
    into what an earlier one covers, so that `covered_seconds` counts some time twice.
    """

    site: int
    piece: Piece
    begin: int
    overlaps: bool


class HourMeans(NamedTuple):
    """The mean power (watts) and hash rate (TH/s) of sites in an hour, added up; None where none tells it."""

    hour: int
    power: float | None
    hashrate: float | None


class SiteMeans(NamedTuple):
    """What a site did in an hour: kWh, and mean power (watts) and hash rate (TH/s), None where nothing tells them."""

    site: int
    hour: int
    kwh: float
    power: float | None
    hashrate: float | None


def sum_known(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    total: float | None = None
    for value in values:
        total = add_known(total, value)
    return total


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch or overlap as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def covered_seconds(spans: Iterable[tuple[int, int]]) -> float:
    """How long spans are together, each moment once."""
    return sum(end - start for start, end in merged(spans)) / 1000


class Latest(NamedTuple):
    """The last reading of a meter, with its last total before that, and when it was."""

    site: int
    meter: str
    row: Row
    before: tuple[int, float] | None = None

    @property
    def power(self) -> float | None:
        """Watts, by the last two totals where the reading has none; None where there is only one."""
        if self.row.power is not None or self.row.total is None or self.before is None:
            return self.row.power
        moment, total = self.before
        kwh = self.row.total - total if self.row.total >= total else self.row.total
        return kwh * 3.6e9 / (self.row.time - moment)


class Total(NamedTuple):
    """Sums over everything that was kept for a site: of `source`, with grams, or of all (no name), with the cost."""

    site: int
    source: str
    kwh: float
    amount: float | None


class GridHour(NamedTuple):
    """What the grid of a zone emitted in an hour, in grams of CO2 equivalent per kWh, and who says so."""

    zone: str
    hour: int
    grams: float
    origin: str


class Line(NamedTuple):
    """A reading as hashes are made of it: whose it is, the hour that it belongs to, and what is kept of it."""

    site: int
    meter: str
    hour: int
    time: int
    interval: int
    power: float | None
    total: float | None
    hashrate: float | None
    extra: str | None


class SiteExistsError(Exception):
    """A site of that id is registered already."""


class Store(Protocol):
    """Keeps sites, readings and hourly sums. What a method has returned from is on disk.

    One instance is used by one thread at a time. Everything may be repeated: a site, a change and a reading are known
    by what identifies them. All methods raise `StorageError` where the database cannot be used now.
    """

    @property
    def waiting(self) -> int:
        """How many readings are on disk here, and not yet where they are to be."""

    def open(self) -> None:
        """Connect, if that has not been done."""

    def close(self) -> None:
        """Disconnect; may be called any number of times."""

    def sites(self) -> list[Site]:
        """All sites with their histories."""

    def registry_revision(self) -> int:
        """Another number after each change of sites by somebody else who shares the database."""

    def add_site(self, site_id: str, change: Change) -> Site:
        """Register a site; raises `SiteExistsError`."""

    def add_sites(self, ids: Sequence[str]) -> list[Site]:
        """Sites by their ids; those that are new are registered, in one transaction, nothing else known of them."""

    def change_site(self, site: Site, change: Change) -> Site:
        """Add a change to a site's history; the hours that it concerns become stale."""

    def add(self, readings: Sequence[Reading]) -> list[bool]:
        """Keep readings of registered sites in one transaction; False for each that is a repeat."""

    def rows(self, site: int, start: int, end: int) -> list[MeterRows]:
        """What the meters of a site said in `(start, end]`."""

    def runs(self, sites: Sequence[int], start: int, end: int) -> list[Run]:
        """The readings of sites in `(start, end]`, added up, in the order of time."""

    def lines(self, sites: Sequence[int], start: int, end: int) -> list[Line]:
        """The readings of sites in `(start, end]`, in the order of site, meter and time."""

    def digests(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, bytes | None]]:
        """The hashes (site, hour, hash) of the hours from `start` to before `end`; None where none is kept that holds.

        Hours that had no readings are left out.
        """

    def seal(self, before: int, limit: int) -> bool:
        """Keep the hashes of some hours before `before`, `limit` at most; returns whether there may be more."""

    def hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, Piece]]:
        """Hourly sums (site, hour, sums) of the hours from `start` to before `end`, those that are stale, too."""

    def hour_ends(self, sites: Sequence[int], hour: int) -> list[tuple[int, int, int]]:
        """When the first and the last reading of an hour are (site, first, last), of the sums that are kept."""

    def stale_hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
        """The hours (site, hour) from `start` to before `end` whose sums are missing or out of date."""

    def oldest_stale(self, limit: int) -> list[tuple[int, int]]:
        """Some hours whose sums are out of date."""

    def site_sums(self, sites: Sequence[int], start: int, end: int, *, by_source: bool) -> list[SiteSum]:
        """The hours of each site from `start` to before `end` added up, those that are stale, too.

        Without `by_source` one part, of no name, stands for all sources. Sites without hours are left out.
        """

    def fresh_means(self, sites: Sequence[int], start: int, end: int) -> list[HourMeans]:
        """The means of all sites together in the hours from `start` to before `end`, without what is stale."""

    def site_means(self, sites: Sequence[int], start: int, end: int) -> list[SiteMeans]:
        """What each site did in the hours from `start` to before `end`, those that are stale, too."""

    def put_hours(self, hours: Sequence[tuple[int, int, Piece | None]]) -> None:
        """Keep sums of hours, which are then not stale; None where nothing is in the hour."""

    def grid_hours(self, zones: Sequence[str], first: int, last: int) -> list[GridHour]:
        """What is known of the grids of zones, of hours from `first` to `last`."""

    def put_grid_hour(self, told: GridHour, sites: Sequence[int]) -> None:
        """Keep what is known of an hour instead of what was; the sums of that hour of these sites become stale."""

    def totals(self) -> list[Total]:
        """Sums over everything that was kept, of hours that are not stale."""

    def latest(self) -> list[Latest]:
        """The last reading of every meter; `before` where only that tells its power."""

    def delete_before(self, moment: int, limit: int) -> bool:
        """Delete some readings of hours that end before `moment`, about `limit` of them; their sums stay.

        Returns whether there may be more.
        """
