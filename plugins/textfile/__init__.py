"""Metrics that other programs leave in `*.prom` files, as for node_exporter's textfile collector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from collector_core import (
    Collector,
    CollectorConfig,
    Context,
    Field,
    Gauge,
    NotAvailable,
    Readings,
    Reason,
    Unit,
    hookimpl,
    reason_of,
)
from collector_core.prometheus_text import Family
from collector_plugins.textfile import folders
from collector_plugins.textfile.promfile import PromFile

MTIME = Gauge(
    "textfile_mtime_seconds",
    "Modification time of the file, in seconds since 1970; absent while it cannot be used.",
    Unit.SECONDS,
    ("file",),
)
VALID = Gauge("textfile_file_valid", "1 if the file could be read and published, 0 otherwise.", labels=("file",))


def _absolute(directory: str) -> str:
    if not directory.startswith("/"):
        raise ValueError("must be an absolute path: begin it with /")
    return directory


class Config(CollectorConfig):
    """Options of the textfile plugin."""

    directories: tuple[Annotated[str, AfterValidator(_absolute)], ...] = Field(
        default=(), description="Folders with `*.prom` files; shell patterns such as `/srv/*/metrics` are allowed."
    )


class Textfile(Collector[Config]):
    """Publishes the metrics of every `*.prom` file; one that is malformed does not hide the others."""

    name = "textfile"
    metrics = (MTIME, VALID)
    config_type = Config
    default_interval = 15.0

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._files: dict[Path, PromFile] = {}
        self._other_help: set[tuple[str, str]] = set()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never there by itself: the configuration must name its folders."""
        del ctx
        fix = 'name one: `textfile: {options: {directories: ["/var/lib/energy-collector/textfile"]}}`'
        return NotAvailable(Reason.NOT_FOUND, "no folder is configured", fix=fix)

    def open(self) -> None:
        """Raises `NotAvailable` where no folder is configured."""
        if not self.config.directories and (problem := self.detect(self.ctx)):
            raise problem

    def collect(self, out: Readings) -> None:
        """Publish every file; raises `NotAvailable` when there is no folder that can be read."""
        paths = self._list(out)
        files = [self._files.get(path) or PromFile(path) for path in paths]
        for file in files:
            file.read_if_changed()
        self._files = {file.path: file for file in files if not file.gone}
        texts = self._help_texts()
        for file in self._files.values():
            _publish(out, file, texts)

    def _list(self, out: Readings) -> list[Path]:
        paths: list[Path] = []
        readable = False
        for folder in folders.expand(self.config.directories):
            with out.part(directory=str(folder)):
                paths += folders.prom_files(folder)
                readable = True
        if not readable:
            raise self._not_available(out)
        return paths

    def _not_available(self, out: Readings) -> NotAvailable:
        if not out.part_failures:
            patterns = ", ".join(self.config.directories)
            return NotAvailable(
                Reason.NOT_FOUND, f"no folder matches {patterns}", fix="make one, or change the pattern"
            )
        failure = out.part_failures[0]
        folder, reason = failure.labels["directory"], reason_of(failure.error)
        fixes = {Reason.NOT_FOUND: f"sudo mkdir -p {folder}", Reason.PERMISSION: f"sudo chmod a+rx {folder}"}
        return NotAvailable(reason, str(failure.error), fix=fixes.get(reason, ""))

    def _help_texts(self) -> dict[str, str]:
        """The help of each family: the first that a file has; that another one differs is logged once."""
        texts: dict[str, str] = {}
        differ = set()
        for file in self._files.values():
            for family in file.families:
                if family.documentation and texts.setdefault(family.name, family.documentation) != family.documentation:
                    differ.add((family.name, file.label))
        for name, label in sorted(differ - self._other_help):
            self.ctx.logger.warning("%s: its help of %s is not that of another file, which is shown", label, name)
        self._other_help = differ
        return texts


def _publish(out: Readings, file: PromFile, texts: Mapping[str, str]) -> None:
    valid = False
    with out.part(file=file.label):
        if file.error:
            raise file.error.with_traceback(None)
        out.add_families(_with_help(file, texts), merge=True)
        out.add(MTIME, file.mtime, file=file.label)
        valid = True
    with out.part(file=file.label):  # two odd names may have the same label
        out.add(VALID, valid, file=file.label)


def _with_help(file: PromFile, texts: Mapping[str, str]) -> Iterator[Family]:
    for family in file.families:
        yield replace(family, documentation=texts.get(family.name) or f"Metric read from {file.label}")


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The collectors of this plugin."""
    return (Textfile,)
