"""Tables that can be sorted, searched and filtered, by the server: the state is in the address."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from collector_core.web.pages.layout import scrolled
from collector_core.web.pages.view import View

MOST_ROWS = 1000


class Cell(NamedTuple):
    """A cell: its text, and by what it is sorted; `html` stands in its place, where it is more than text."""

    text: str
    value: float | None = None
    html: str = ""

    @property
    def rank(self) -> tuple[bool, float, str]:
        """Numbers by size, texts by letters."""
        return self.value is None, self.value or 0.0, self.text.casefold()


Row = Sequence[Cell]


def render_table(view: View, title: str, columns: Sequence[str], rows: Sequence[Row], *, key: str = "") -> str:
    """The table; `columns` are keys of words or titles, `key` tells the tables of a page apart in the address."""
    sort, order = f"sort{key}", f"order{key}"
    by = view.query.get(sort, "")
    numbers = [place for place, name in enumerate(columns) if name == by]
    falling = view.query.get(order) == "down"
    searched = view.query.get("q", "").casefold()
    found = [row for row in rows if not searched or any(searched in cell.text.casefold() for cell in row)]
    if numbers:
        found.sort(key=lambda row: row[numbers[0]].rank, reverse=falling)
    head = "".join(
        _heading(view, name, sort, order, is_by=name == by, falling=falling, numeric=_is_numeric(rows, place))
        for place, name in enumerate(columns)
    )
    body = "".join(f"<tr>{''.join(_cell(view, cell) for cell in row)}</tr>" for row in found[:MOST_ROWS])
    more = f"<p class=facts>{len(found) - MOST_ROWS} …</p>" if len(found) > MOST_ROWS else ""
    table = f'<table class="words sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return scrolled(title, table) + more


def _is_numeric(rows: Sequence[Row], place: int) -> bool:
    """Whether the cells of a column stand at the right."""
    return any(row[place].value is not None for row in rows)


def _heading(view: View, name: str, sort: str, order: str, *, is_by: bool, falling: bool, numeric: bool) -> str:
    state = "descending" if falling else "ascending"
    following = "" if is_by and falling else "down" if is_by else ""
    identity = escape(f"{sort}-{name}".replace(" ", "-"))
    return (
        f'<th scope="col"{" class=number" if numeric else ""} '
        f'aria-sort="{state if is_by else "none"}"><button type="button" id="{identity}" '
        f'data-set="{escape(sort)}={escape(name)}&amp;{escape(order)}={following}">'
        f"{escape(view.words(name))}</button></th>"
    )


def _cell(view: View, cell: Cell) -> str:
    numeric = ' class="number"' if cell.value is not None else ""
    return f"<td{numeric}>{cell.html or view.text(cell.text)}</td>"
