"""Hashes of readings: of each hour of a site, kept with its sums, and of a period, made of those.

A report over a month need not read millions of readings then, and whoever has them can still compute its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, Line, Store, together

Lines = Callable[[Sequence[int], int, int], Iterable[Line]]
"""As `Store.lines`."""

READ_AT_ONCE = 24  # hours of a site whose readings are in memory together
DEFINITION = (
    "SHA-256 over a line per site and hour with readings, in that order: site, begin of the hour in ms since 1970, "
    "SHA-256 of its readings, which is over a line per reading in the order of meter and time: "
    "meter, ms since 1970, ms, power, total, hash rate, other keys as JSON; all separated by tabs"
)


def hour_digests(lines: Iterable[Line]) -> dict[tuple[int, int], bytes]:
    """The hash of the readings of each site and hour, from readings in the order of site, meter and time."""
    found: dict[tuple[int, int], hashlib._Hash] = {}
    for (site, _, hour), group in groupby(lines, key=itemgetter(0, 1, 2)):
        text = "".join(map(_text, group))
        found.setdefault((site, hour), hashlib.sha256()).update(text.encode())
    return {place: digest.digest() for place, digest in found.items()}


def digests_of(places: Iterable[tuple[int, int]], lines: Lines) -> dict[tuple[int, int], bytes]:
    """The hash of each of some hours (site, hour), empty where there are no readings."""
    wanted = sorted(places)
    found = dict.fromkeys(wanted, b"")
    for (first, last), sites in together(wanted).items():
        found.update(hour_digests(lines(sites, first * HOUR, (last + 1) * HOUR)))
    return found


def data_sha256(store: Store, sites: Iterable[Site], start: int, end: int) -> str:
    """The hash of the readings of sites in `(start, end]`, as `DEFINITION` says."""
    names = {site.number: site.id for site in sites}
    first = -(-start // HOUR)
    after_last = max(first, end // HOUR)
    found = {(site, hour): digest for site, hour, digest in store.digests(list(names), first, after_last)}
    edges = [(start, min(end, first * HOUR)), (max(start, after_last * HOUR), end)]
    wanted = [(number, *edge) for number in names for edge in edges if edge[0] < edge[1]]
    for number, begin, finish in (*wanted, *_missing(found)):
        for place, digest in hour_digests(store.lines([number], begin, finish)).items():
            found[place] = found.get(place) or digest
    whole = hashlib.sha256()
    for name, hour, digest in sorted((names[site], hour, digest) for (site, hour), digest in found.items() if digest):
        whole.update(f"{name}\t{hour * HOUR}\t{digest.hex()}\n".encode())
    return whole.hexdigest()


def _missing(found: Mapping[tuple[int, int], bytes | None]) -> Iterator[tuple[int, int, int]]:
    """The periods (site, start, end) in which there are hours without a hash."""
    missing = sorted(place for place, digest in found.items() if not digest)
    for (site, _), group in groupby(missing, key=lambda place: (place[0], place[1] // READ_AT_ONCE)):
        hours = [hour for _, hour in group]
        yield site, hours[0] * HOUR, (hours[-1] + 1) * HOUR


def _text(line: Line) -> str:
    _, meter, _, time, interval, power, total, hashrate, extra = line
    return (
        f"{meter}\t{time}\t{interval}\t{'' if power is None else power}\t{'' if total is None else total}\t"
        f"{'' if hashrate is None else hashrate}\t{extra or ''}\n"
    )
