"""What a collector shows on the status page: plain data, checked when it is made, drawn and escaped by the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite

from collector_core.errors import DeclarationError
from collector_core.model.words import is_snake_case

MAX_TEXT = 1000  # characters of each text
MAX_POINTS = 2000  # of one chart
MAX_CHARTS = 50  # of one section
MAX_TABLES = 10
MAX_ROWS = 500  # of one table
MAX_COLUMNS = 12
MAX_LINKS = 5
MAX_TRANSLATIONS = 200  # into one language
PAGES = frozenset({"", "now", "workloads", "devices", "sites", "forecasts", "events"})


@dataclass(frozen=True, kw_only=True)
class PageBand:
    """What a value was or is expected to be: a dashed line within the band from `lower` to `upper`.

    `times` are seconds since 1970 and may lie ahead; each has one number in `lower`, `middle` and `upper`, in order.

    Raises `DeclarationError` for numbers that are not finite or not in order, and more than 2,000 points.
    """

    times: Sequence[float]
    lower: Sequence[float]
    middle: Sequence[float]
    upper: Sequence[float]

    def __post_init__(self) -> None:
        _check_size("points of a band", self.times, MAX_POINTS)
        lines = self.lower, self.middle, self.upper
        if not all(map(isfinite, (*self.times, *(value for line in lines for value in line)))):
            raise DeclarationError("a band: every time and value must be a finite number")
        if any(len(line) != len(self.times) for line in lines) or any(b <= a for a, b in pairwise(self.times)):
            raise DeclarationError("a band: there must be one value for each time, and times must rise")
        if not all(low <= middle <= high for low, middle, high in zip(*lines, strict=True)):
            raise DeclarationError("a band: lower must not be above middle, and middle not above upper")


@dataclass(frozen=True, kw_only=True)
class PageChart:
    """A value over time: a line in a box that says what the value is now.

    `times` are seconds since 1970, each later than the one before; `values` are in `unit`, a symbol such as `W`, and
    None where the value was not known, which is a gap. The last one is what the value is now. The chart shows `window`
    seconds up to now; a line crosses at most `longest_step` seconds between two values. `note` stands below, beside the
    range of the values, `tag` beside the title; `approximate` marks numbers with ≈, `wide` takes the whole width.
    `expected` is drawn beside the values, and as far ahead of now as it has times.

    Raises `DeclarationError` for numbers that are not finite, times out of order, and more than 2,000 points.
    """

    title: str
    unit: str
    times: Sequence[float]
    values: Sequence[float | None]
    window: float
    longest_step: float
    note: str = ""
    tag: str = ""
    approximate: bool = False
    wide: bool = False
    expected: PageBand | None = None

    def __post_init__(self) -> None:
        _check_texts(self.title, self.unit, self.note, self.tag)
        _check_size("points of a chart", self.times, MAX_POINTS)
        numbers = (self.window, self.longest_step, *self.times, *(each for each in self.values if each is not None))
        if not all(map(isfinite, numbers)):
            raise DeclarationError(f"chart {self.title!r}: every time and value must be a finite number, or None")
        if len(self.times) != len(self.values) or any(later <= time for time, later in pairwise(self.times)):
            raise DeclarationError(f"chart {self.title!r}: there must be one value for each time, and times must rise")
        if not isinstance(self.expected, PageBand | None):
            raise DeclarationError(f"chart {self.title!r}: expected must be a PageBand")
        if self.window <= 0:
            raise DeclarationError(f"chart {self.title!r}: window is {self.window}, must be above 0 seconds")


@dataclass(frozen=True, kw_only=True)
class PageTable:
    """Rows of texts below a row of column names. Raises `DeclarationError` for a row that is not as long as that."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def __post_init__(self) -> None:
        _check_texts(self.title, *self.columns)
        _check_size("columns of a table", self.columns, MAX_COLUMNS)
        _check_size("rows of a table", self.rows, MAX_ROWS)
        for row in self.rows:
            if len(row) != len(self.columns):
                raise DeclarationError(
                    f"table {self.title!r}: a row has {len(row)} cells for {len(self.columns)} columns"
                )
            _check_texts(*row)


@dataclass(frozen=True, kw_only=True)
class PageLink:
    """A link in the head of the page to a path of this service. Raises `DeclarationError` for anywhere else."""

    text: str
    path: str

    def __post_init__(self) -> None:
        _check_texts(self.text, self.path)
        if not self.path.startswith("/") or self.path.startswith(("//", "/\\")):
            raise DeclarationError(
                f"link {self.text!r}: {self.path!r} is not a path of this service, e.g. /api/v1/plugs"
            )


@dataclass(frozen=True, kw_only=True)
class PageSection:
    """One section of the status page.

    `name` is a word that tells the sections of a collector apart; sections with a lower `order` come first. `note`
    stands beside the title, `text` below it. All sections are shown beside the collectors; `page` names another page
    that shows this one too: `now`, `workloads`, `devices`, `sites`, `forecasts` or `events`. `translations` has by
    language (`de`) what stands for an English text of the section; `{}` in both stands for what varies.

    Raises `DeclarationError` for a name that is not snake_case, and for more than a page has room for.
    """

    name: str
    title: str
    note: str = ""
    text: str = ""
    charts: Sequence[PageChart] = ()
    tables: Sequence[PageTable] = ()
    links: Sequence[PageLink] = ()
    order: int = 100
    page: str = ""
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not is_snake_case(self.name):
            raise DeclarationError(f"section {self.name!r}: the name must be snake_case, e.g. plugs")
        if self.page not in PAGES:
            raise DeclarationError(f"section {self.name!r}: {self.page!r} is not a page, e.g. devices")
        _check_texts(self.title, self.note, self.text)
        for texts in self.translations.values():
            _check_size("translations of a section", texts, MAX_TRANSLATIONS)
            _check_texts(*texts, *texts.values())
        _check_parts("charts of a section", self.charts, PageChart, MAX_CHARTS)
        _check_parts("tables of a section", self.tables, PageTable, MAX_TABLES)
        _check_parts("links of a section", self.links, PageLink, MAX_LINKS)


def _check_parts(what: str, parts: Sequence[object], cls: type, most: int) -> None:
    _check_size(what, parts, most)
    for part in parts:
        if not isinstance(part, cls):
            raise DeclarationError(f"{what} must be {cls.__name__} objects, got {type(part).__name__}")


def _check_texts(*texts: str) -> None:
    for text in texts:
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise DeclarationError(f"a text of the page has at most {MAX_TEXT} characters, got {_shown(text)}")


def _shown(text: object) -> str:
    return f"{len(text)}" if isinstance(text, str) else type(text).__name__


def _check_size(what: str, items: Sized, most: int) -> None:
    if len(items) > most:
        raise DeclarationError(f"{what}: {len(items)}, at most {most}")
