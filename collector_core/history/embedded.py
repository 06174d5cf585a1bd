"""The embedded store as a whole: what commands, the service and the API do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from collector_core.history import maintenance
from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import HistoryReader
from collector_core.history.options import HistoryOptions
from collector_core.history.retention import TARGET, delete_old, delete_some, give_back
from collector_core.history.shared import SharedReader
from collector_core.history.store import Store
from collector_core.model.selector import Selector

COMPACTED_AT_ONCE = 40  # blocks, so that compacting takes little time at once
MAX_JOURNALED = 1_500_000  # readings until the journal is sealed before its time: 15 MB,
LEAST_JOURNALED = 150_000  # or fewer where the files may take little; never fewer than these
BYTES_A_JOURNALED = 64  # of what the files may take: a reading in the journal needs 10 at most
MAX_ENTRIES = 2000  # of the journal, likewise: they are read at the next start
CHECKING_SHARE = 0.002  # of the time, for reading the whole file anew


class EmbeddedStore(Store):
    """A `HistoryStore` and a `LiveStore` in a folder."""

    dropped = stray = 0
    layout = ""

    def __init__(self, options: HistoryOptions, *, read_only: bool = False) -> None:
        super().__init__(options.folder, options.steps, read_only=read_only)
        self._options = options
        self._is_compact = self._is_too_large = False
        self._next_deletion = 0  # milliseconds since 1970
        self._next_check = 0.0  # seconds, monotonic

    @property
    def place(self) -> str:
        """The file."""
        return str(self.database.path)

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupt file was moved to, if one was found when it was opened."""
        return self.database.set_aside

    @property
    def is_full(self) -> bool:
        """Whether the journal should be sealed before its time."""
        fitting = max(LEAST_JOURNALED, self._options.max_bytes // BYTES_A_JOURNALED)
        return self.waiting > min(MAX_JOURNALED, fitting) or self.entries > MAX_ENTRIES

    def open(self) -> None:
        """As `Store.open`; that reads the whole file, too."""
        began = monotonic()
        super().open()
        self._check_later(began)

    def last_value(self, kept: KeptSeries) -> float | None:
        """The last value of a counter, None where there is none."""
        known = self.catalogue.find(kept.series.text)
        last = self.last(known[0]) if known else None
        return last.value if last else None

    def recorded_ahead(self, now: int) -> tuple[int, int] | None:
        """The time since the last start, where there are readings of it that are still to come."""
        starts, last = self.starts(), self.last_time()
        return (starts[-1], last) if starts and last > now else None

    def seal(self, now: int) -> None:
        """Write the journal as blocks, and sum up the hours that are over."""
        super().seal(now)
        self._is_compact, self._next_deletion = False, 0

    def maintain(self, now: int) -> bool:
        """Delete what is too old and some of what is too much, and compact a little; returns whether to go on soon.

        Raises `StorageError` where somebody has damaged the file meanwhile, too.
        """
        self._check_file()
        self._is_compact = self._is_compact or not self.compact(now, COMPACTED_AT_ONCE)
        if now >= self._next_deletion:
            self._next_deletion = delete_old(self, now, self._options.keep, round(self._options.retention * 1000))
        allowed = self._options.max_bytes
        is_too_large = self._is_too_large or self.size > allowed
        if is_too_large and not self._is_compact:
            return True  # what becomes smaller need not be deleted
        self._is_too_large = is_too_large and delete_some(self, allowed * TARGET)
        return self._is_too_large

    def _check_file(self) -> None:
        began = monotonic()
        if began >= self._next_check:
            self.database.check()
            self._check_later(began)

    def _check_later(self, began: float) -> None:
        """The file has been read since then."""
        self._next_check = began + (monotonic() - began) / CHECKING_SHARE

    def ask(self, question: Callable[[HistoryReader], None]) -> None:
        """Let it be answered now."""
        question(self)

    def check(self) -> None:
        """What was appended has arrived."""

    def reader(self) -> SharedReader:
        """What reads beside it."""
        return SharedReader(self)

    def delete_old(self, now: int, keep: Mapping[int, int], retention: int) -> None:
        """Delete what is older than its tier is kept for; `keep` by step, that of readings is 0."""
        delete_old(self, now, keep, retention)

    def delete_series(self, selector: Selector, now: int) -> list[str]:
        """Delete series for good, with what events say of them; returns their texts."""
        return maintenance.delete_series(self, selector, now)

    def shrink(self, now: int) -> None:
        """Make the file as small as it gets."""
        self.compact(now)
        self.database.execute("VACUUM")
        give_back(self)

    def find_damage(self) -> list[str]:
        """What is wrong with the file, and with each block in it."""
        return maintenance.problems(self)

    def back_up(self, folder: Path) -> Path:
        """Copy it, while it is written, to a folder that can be used as one."""
        return maintenance.back_up(self, folder)
