"""The sections of the status page that collectors add: their plain data, drawn and escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import dropwhile

from collector_core.config.redactor import Redactor
from collector_core.engine.app import App
from collector_core.engine.runner import Runner
from collector_core.history.past import PastEvent
from collector_core.model.page_section import PageChart, PageSection, PageTable
from collector_core.web.pages.event_words import EventWords
from collector_core.web.pages.words import Words
from collector_core.web.sparkline import Mark, Span, sparkline
from collector_core.web.translation import Translation

ENGLISH = Words("en")
MOST_MARKS = 20  # in one chart


def render_sections(app: App, page: str = "", words: Words = ENGLISH, events: Sequence[PastEvent] = ()) -> str:
    """The sections of one page, or of all, those with the lowest `order` first; `events` are marks in their charts."""
    now = app.clock.time()
    said = EventWords(app, words)

    def marks(span: Span) -> list[Mark]:
        within = [event for event in events if span.start <= event.time <= span.end]
        return [Mark(event.time, said.mark(event)) for event in within[-MOST_MARKS:]]

    views = [
        _SectionView(section, name, app.redactor, now, words, runner, marks)
        for name, runner in app.runners.copy().items()
        for section in runner.page_sections
        if page in ("", section.page)
    ]
    if not page and app.history.service and (section := app.history.service.section):
        views.append(_SectionView(section, "collector", app.redactor, now, words))
    return "\n".join(view.html() for view in sorted(views, key=lambda view: view.place))


def render_links(app: App, words: Words = ENGLISH) -> str:
    """The links that sections add to the head of the page, each once."""
    sections = (section for runner in app.runners.copy().values() for section in runner.page_sections)
    links = dict.fromkeys(
        (Translation(words, section.translations)(app.redactor(link.text)), link.path)
        for section in sections
        for link in section.links
    )
    return "\n".join(f'<a href="{escape(path)}">{escape(text)}</a>' for text, path in links)


class _SectionView:
    """One section as HTML, of a collector or of the framework (without `runner`); `now` in seconds since 1970."""

    def __init__(
        self,
        section: PageSection,
        owner: str,
        redact: Redactor,
        now: float,
        words: Words,
        runner: Runner | None = None,
        marks: Callable[[Span], Sequence[Mark]] = lambda _: (),
    ) -> None:
        self.place = section.order, section.title, owner
        self._section = section
        self._owner = owner
        self._runner = runner
        self._redact = redact
        self._now = now
        self._words = words
        self._marks = marks
        self._translated = Translation(words, section.translations)

    def html(self) -> str:
        """The section, with what is wrong with its collector."""
        section, identity = self._section, escape(f"{self._owner}-{self._section.name}")
        note = f" <small>{self._text(section.note)}</small>" if section.note else ""
        words = f"<p>{self._text(section.text)}</p>" if section.text else ""
        charts = "".join(self._chart(chart, is_first=not place) for place, chart in enumerate(section.charts))
        return (
            f'<section id="section-{identity}" aria-labelledby="title-{identity}">'
            f'<h2 id="title-{identity}">{self._text(section.title)}{note}</h2>{"".join(self._trouble())}{words}'
            + (f'<ul class="charts">{charts}</ul>' if charts else "")
            + "".join(map(self._table, section.tables))
            + "</section>"
        )

    @property
    def _is_fresh(self) -> bool:
        return self._runner is None or self._runner.is_fresh

    def _text(self, text: str) -> str:
        return escape(self._translated(self._redact(text)))  # a translation may split a secret, or its number

    def _trouble(self) -> Iterator[str]:
        """Why there is nothing of now."""
        report = self._runner.last_report if self._runner else None
        if self._is_fresh or report is None or not report.error:
            return
        yield f'<p class="fault">{escape(self._redact(report.error))}</p>'
        if report.fix:
            fix = escape(self._redact(report.fix))
            yield f'<p class="fault"><strong>{escape(self._words("fix"))}:</strong> <code>{fix}</code></p>'

    def _chart(self, chart: PageChart, *, is_first: bool) -> str:
        value = chart.values[-1] if chart.values and self._is_fresh else None
        now, between = self._value_now(chart, value), self._range(chart)
        until = max(self._now, chart.expected.times[-1]) if chart.expected and chart.expected.times else self._now
        span = Span(self._now - chart.window, until, chart.longest_step)
        marks = self._marks(span)
        words = self._redact(self._in_words(chart, now, between) + self._expected_in_words(chart))
        drawn = sparkline(span, [*chart.times, self._now], [*chart.values, value], words, chart.expected, marks)
        tag = f' <small class="tag">{self._text(chart.tag)}</small>' if chart.tag else ""
        to = f" {self._words('to')} "
        notes = [f"<span>{self._text(note)}</span>" for note in (to.join(between), chart.note) if note]
        if marks and is_first:
            notes.append(f'<a href="/events">{escape(self._words("marks").format(len(marks)))}</a>')
        return (
            f"<li{' class=wide' if chart.wide else ''}><h3>{self._text(chart.title)}{tag}</h3>"
            f'<p class="now">{escape(self._redact(now))}</p>{drawn}<p class="facts">{"".join(notes)}</p></li>'
        )

    def _table(self, table: PageTable) -> str:
        title = f"<caption>{self._text(table.title)}</caption>" if table.title else ""
        head = "".join(f'<th scope="col">{self._text(column)}</th>' for column in table.columns)
        rows = "".join(f"<tr>{''.join(f'<td>{self._text(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        name = self._text(table.title or self._section.title)
        return (
            f'<div class="scroll" tabindex="0" role="group" aria-label="{name}">'
            f'<table class="words">{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        )

    def _value_now(self, chart: PageChart, value: float | None) -> str:
        about = "≈ " if chart.approximate and value is not None else ""
        return f"{about}{self._words.quantity(value, chart.unit)}"

    def _range(self, chart: PageChart) -> tuple[str, ...]:
        known = [value for value in chart.values if value is not None]
        return tuple(self._words.quantity(each(known), chart.unit) for each in (min, max)) if known else ()

    def _in_words(self, chart: PageChart, now: str, between: tuple[str, ...]) -> str:
        """The chart in words, for those who cannot see it."""
        words, title = self._words, self._translated(self._redact(chart.title))
        said = words("chart_now").format(title=title, minutes=f"{chart.window / 60:g}", now=now)
        values = words("chart_between").format(*between) if between else ""
        has_gaps = None in list(dropwhile(lambda value: value is None, chart.values))
        return f"{said}{values}{words('chart_gaps') if has_gaps else ''}"

    def _expected_in_words(self, chart: PageChart) -> str:
        band = chart.expected
        ahead = [place for place, time in enumerate(band.times) if time >= self._now] if band else []
        if not band or not ahead:
            return ""
        low, high = min(band.lower[place] for place in ahead), max(band.upper[place] for place in ahead)
        between = (self._words.quantity(each, chart.unit) for each in (low, high))
        return self._words("chart_expected").format(f"{(band.times[-1] - self._now) / 3600:.0f}", *between)
