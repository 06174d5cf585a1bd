"""`energy-collector history`: look at, copy and look after what was kept."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from collector_core.cli.common import Common, common_options
from collector_core.config.loading import load, load_settings
from collector_core.errors import AuthFailed, NotAvailable, explain
from collector_core.history import importing, query
from collector_core.history.formats import COLUMNS, HistoryFormat, write_table
from collector_core.history.interface import EVER, HistoryReader, HistoryStore
from collector_core.history.options import HistoryOptions
from collector_core.history.query import DEFAULT_PERIOD, Fn, HistoryQuery
from collector_core.history.stores import command_store
from collector_core.history.times import parse_step, parse_time
from collector_core.model.selector import Selector
from collector_core.storage.atomic_file import AtomicFile

FORMATS = click.Choice([kind.value for kind in HistoryFormat])
ParsedT = TypeVar("ParsedT")


def _parsed(parse: Callable[[str], ParsedT]) -> Callable[[click.Context, click.Parameter, str | None], ParsedT | None]:
    """What `parse` makes of an option; what it refuses is a usage error."""

    def convert(ctx: click.Context, parameter: click.Parameter, value: str | None) -> ParsedT | None:
        del ctx, parameter
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return convert


_SELECTOR = click.argument("selector", callback=_parsed(Selector.parse))
_ASKED = (
    _SELECTOR,
    click.option("--from", "start", callback=_parsed(parse_time), help="Unix seconds or RFC 3339."),
    click.option("--to", "end", callback=_parsed(parse_time), help="Unix seconds or RFC 3339; not included."),
    click.option("--step", callback=_parsed(parse_step), help="Duration; without it, readings as they were collected."),
    click.option(
        "--fn", type=click.Choice([fn.value for fn in Fn]), default="mean", show_default=True, help="Of each step."
    ),
    click.option("--format", "kind", type=FORMATS, default="csv", show_default=True, help="How to write it."),
)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_ACCESS = (
    click.option("--username", help="With --prometheus; the password is in --password-file."),
    click.option("--password-file", type=_FILE, help="File whose first line is the password."),
    click.option("--token-file", type=_FILE, help="File whose first line is a bearer token; with --prometheus."),
    click.option("--ca-file", type=_FILE, help="Certificates to trust, in PEM; with --prometheus."),
)
_PATH = click.option("--path", type=click.Path(path_type=Path, file_okay=False), help="Folder of the store.")


def _with_options(*options: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add several options to a command, in this order."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


@click.group()
def command() -> None:
    """List, query, export, import, check, copy and delete what the collector has kept.

    Exit code 0: done; 1: it could not be done, or `verify` found damage; 2: the configuration or an option is wrong.
    """


@command.command("list")
@click.argument("selector", required=False, callback=_parsed(Selector.parse))
@_PATH
@common_options()
def list_series(common: Common, selector: Selector | None, path: Path | None) -> None:
    """List the series, with the times of their first and last reading (UTC)."""
    with _reading(common, path) as store:
        for number, kept in store.catalogue.select(selector):
            if span := store.span(number):
                first, last = (datetime.fromtimestamp(each / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for each in span)
                click.echo(f"{first}  {last}  {kept.series.kind:<8} {kept.series.text}")


@command.command("query")
@_with_options(*_ASKED)
@_PATH
@common_options()
def query_series(common: Common, path: Path | None, **asked: Any) -> None:
    """Print series over time; without --from, the last hour."""
    end = _now() if asked["end"] is None else asked["end"]
    start = end - DEFAULT_PERIOD if asked["start"] is None else asked["start"]
    query_ = _query(asked, start, end)
    with _reading(common, path) as store:
        for piece in _written(store, query_, HistoryFormat(asked["kind"])):
            sys.stdout.buffer.write(piece)
        if not store.catalogue.select(query_.selector):
            click.echo("no series is meant; `energy-collector history list` names them", err=True)


@command.command()
@_with_options(*_ASKED)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@_PATH
@common_options()
def export(common: Common, path: Path | None, output: Path, **asked: Any) -> None:
    """Write series to a file, as a whole or not at all; without --from, all that there is."""
    query_ = _query(asked, asked["start"] or 0, EVER if asked["end"] is None else asked["end"])
    with _reading(common, path) as store, AtomicFile(output, mode=0o644) as file:
        for piece in _written(store, query_, HistoryFormat(asked["kind"])):
            file.write(piece)


@command.command("import")
@click.argument("source", metavar="[FILE]", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--prometheus", metavar="URL", help="Read from a Prometheus instead of a file.")
@click.option("--selector", callback=_parsed(Selector.parse), help="Which of its series; with --prometheus.")
@click.option("--from", "start", callback=_parsed(parse_time), help="Unix seconds or RFC 3339; with --prometheus.")
@click.option("--to", "end", callback=_parsed(parse_time), help="Not included; without it, now.")
@_with_options(*_ACCESS)
@_PATH
@common_options()
def import_readings(common: Common, source: Path | None, path: Path | None, **asked: Any) -> None:
    """Add readings from a file (CSV or NDJSON as exported, or `promtool tsdb dump`), or from another store's folder.

    With --prometheus they are read from a Prometheus, or what speaks its remote read; --selector and --from say which.

    Readings at times at which there is one already are left out, so that importing twice changes nothing.
    """
    if asked["prometheus"]:
        count = _import_prometheus(common, path, source, **asked)
    elif source is None or any(asked.values()):
        raise click.UsageError("name a FILE or a folder, or --prometheus with --selector and --from")
    elif source.is_dir():
        with _reading_folder(source) as other, _writing(common, path) as (store, _):
            count = importing.keep_store(store, other)
    else:
        with source.open(encoding="utf-8", errors="replace") as lines, _refused():
            found = importing.read_lines(lines)
        with _writing(common, path) as (store, _):
            count = _keep(store, [found])
    click.echo(f"{count} readings imported")


def _import_prometheus(
    common: Common,
    path: Path | None,
    source: Path | None,
    *,
    prometheus: str,
    selector: Selector | None,
    start: int | None,
    end: int | None,
    **access: Any,
) -> int:
    from collector_core.cli import prometheus_source  # noqa: PLC0415 - no other command asks anybody

    if source or selector is None or start is None:
        raise click.UsageError("--prometheus needs --selector and --from, and no FILE")
    if "@" in urlsplit(prometheus).netloc:
        raise click.UsageError("leave user and password out of the URL: use --username and --password-file")
    try:
        allowed = prometheus_source.Access.read(**access)
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
    try:
        found = prometheus_source.readings(prometheus, selector, start, _now() if end is None else end, allowed)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--selector") from error
    with _writing(common, path) as (store, _):
        return _keep(store, found)


def _keep(store: HistoryStore, parts: Iterable[importing.Readings]) -> int:
    """Keep what a source has; returns how many readings were new."""
    store.seal(_now())
    count = sum(importing.keep_readings(store, text, readings) for part in parts for text, readings in part.items())
    store.seal(_now())
    return count


@command.command()
@_PATH
@common_options()
def compact(common: Common, path: Path | None) -> None:
    """Delete what is too old, and make the files as small as they get."""
    with _writing(common, path) as (store, options):
        before, now = store.size, _now()
        store.seal(now)
        store.delete_old(now, options.keep, round(options.retention * 1000))
        store.shrink(now)
        click.echo(f"{before} bytes before, {store.size} now")


@command.command()
@_PATH
@common_options()
def verify(common: Common, path: Path | None) -> None:
    """Check the file and every block in it."""
    with _reading(common, path) as store:
        found = store.find_damage()
        for text in found:
            click.echo(text)
        if found:
            raise click.ClickException(f"{store.place} is damaged in {len(found)} places")
        click.echo(f"{store.place} is sound")


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_PATH
@common_options()
def backup(common: Common, folder: Path, path: Path | None) -> None:
    """Copy the store, while it is in use, to FOLDER, which can be used as `path`."""
    with _reading(common, path) as store:
        click.echo(store.back_up(folder))


@command.command()
@_SELECTOR
@_PATH
@common_options()
def delete(common: Common, selector: Selector, path: Path | None) -> None:
    """Delete series for good: nothing of their labels is left, in files that were set aside, either."""
    with _writing(common, path) as (store, _):
        for text in store.delete_series(selector, _now()):
            click.echo(text)


def _written(store: HistoryReader, asked: HistoryQuery, kind: HistoryFormat) -> Iterable[bytes]:
    found = query.run(store, asked)
    if kind is not HistoryFormat.JSON:
        return write_table(kind, COLUMNS, query.as_rows(found))
    return chain(query.write_json(found), [b"\n"])


def _query(asked: Mapping[str, Any], start: int, end: int) -> HistoryQuery:
    if asked["fn"] == Fn.RATE and asked["step"] is None:
        raise click.BadParameter("a rate needs --step", param_hint="--fn")
    return HistoryQuery(asked["selector"], start, end, asked["step"], Fn(asked["fn"]))


def _options(common: Common, path: Path | None) -> HistoryOptions:
    settings = load_settings(common.config) or load(common.config)[1].settings
    options = settings.history or HistoryOptions()
    return options if path is None else options.model_copy(update={"path": path})


@contextmanager
def _reading(common: Common, path: Path | None) -> Iterator[HistoryStore]:
    with _opened(_options(common, path), read_only=True) as store:
        yield store


@contextmanager
def _reading_folder(folder: Path) -> Iterator[HistoryStore]:
    with _opened(HistoryOptions(path=folder), read_only=True) as store:
        yield store


@contextmanager
def _writing(common: Common, path: Path | None) -> Iterator[tuple[HistoryStore, HistoryOptions]]:
    options = _options(common, path)
    with _opened(options) as store:
        yield store, options


@contextmanager
def _opened(options: HistoryOptions, *, read_only: bool = False) -> Iterator[HistoryStore]:
    with _refused():
        store = command_store(options, read_only=read_only)
        try:
            store.open()
            yield store
        finally:
            store.close()


@contextmanager
def _refused() -> Iterator[None]:
    """End with exit code 1 and the reason where the store or a file cannot be used."""
    try:
        yield
    except (NotAvailable, AuthFailed) as error:
        raise click.ClickException(explain(error)) from error
    except (OSError, importing.BadLineError) as error:
        raise click.ClickException(str(error)) from error


def _now() -> int:
    return round(time.time() * 1000)
