"""Prometheus' text format and OpenMetrics, read as they come and within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from collector_core.model.families import Sample
from collector_core.prometheus_text.line import Comment, parse_comment, parse_sample

MAX_LINE_BYTES = 16_384
MAX_SAMPLES = 50_000

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"\0")
_HTML = b"<"
_JSON = re.compile(rb'\[|\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|$)')
_LIKE_A_SAMPLE = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*[ \t]*(?:\{|[ \t][+-]?(?:[0-9.]|nan|inf))|\{", re.IGNORECASE)
_PLAIN_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_END = "# EOF"
_SHOWN = 80  # characters of a line that cannot be read


class PrometheusTextError(ValueError):
    """A text that is not in the format, or larger than it may be; `line` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


class TooManySamples(PrometheusTextError):
    """A text with more samples than it may have."""


class SampleReader:
    """Takes a text in pieces, as they come, and returns the samples in them.

    With `wanted` only samples of these names: other lines are passed over unread, but a text that is empty or begins
    like something else, such as HTML, is refused. Native histograms are passed over as well. `comments` are HELP, TYPE
    and UNIT by line; none with `wanted`.

    Raises `PrometheusTextError` for a line that cannot be read, is not UTF-8 or is longer than `max_line_bytes`, for
    more than `max_samples`, for timestamps where they are not allowed, and in OpenMetrics for a text without its
    `# EOF`. With `skip`, a line that cannot be read is passed over instead: `skip` gets the name at
    its beginning and the error.
    """

    def __init__(
        self,
        wanted: Collection[str] | None = None,
        *,
        openmetrics: bool = False,
        timestamps: bool = True,
        max_samples: int = MAX_SAMPLES,
        max_line_bytes: int = MAX_LINE_BYTES,
        skip: Callable[[str, PrometheusTextError], object] | None = None,
    ) -> None:
        self.comments: dict[int, Comment] = {}
        self._wanted = None if wanted is None else {name.encode("utf-8", "surrogatepass") for name in wanted}
        self._openmetrics = openmetrics
        self._timestamps = timestamps
        self._samples_left = max_samples
        self._max_samples = max_samples
        self._skip = skip
        self._longest = max_line_bytes + 1  # what is kept of a line: enough to see that it is too long
        self._line = 1
        self._begun = b""  # of a line whose end has not come yet
        self._is_empty = True
        self._has_begun = False
        self._has_ended = False

    def feed(self, piece: bytes) -> list[tuple[int, Sample]]:
        """The samples of the lines that end in this piece, by the number of their line."""
        first, *others = piece.split(b"\n")
        self._begun += first[: self._longest - len(self._begun)]
        found: list[tuple[int, Sample]] = []
        for line in others:
            self._read_line(found)
            self._line += 1
            self._begun = line[: self._longest]
        return found

    def finish(self) -> list[tuple[int, Sample]]:
        """The sample of a last line that has no end, if there is one."""
        found: list[tuple[int, Sample]] = []
        self._read_line(found)
        if self._openmetrics and not self._has_ended:
            raise PrometheusTextError(self._line, f"the text ends without {_END}: was it cut off?")
        if self._is_empty and self._wanted is not None:
            raise PrometheusTextError(self._line, "the text is empty")
        return found

    def _read_line(self, found: list[tuple[int, Sample]]) -> None:
        try:
            self._read_whole_line(found)
        except TooManySamples:
            raise
        except PrometheusTextError as problem:
            if self._skip is None:
                raise
            name = _PLAIN_NAME.match(self._begun.strip(b" \t"))
            self._skip(name[0].decode() if name else "", problem)

    def _read_whole_line(self, found: list[tuple[int, Sample]]) -> None:
        line = self._begun.strip(b" \t\r")
        if not line:
            return
        self._is_empty = False
        if line.startswith(b"#"):
            self._read_comment(line)
            return
        if not self._has_begun:
            self._check_beginning(line)
        if self._is_wanted(line) and (sample := self._sample(self._text(line))) is not None:
            found.append((self._line, sample))

    def _check_beginning(self, line: bytes) -> None:
        """Raises `PrometheusTextError` where the first line that is not a comment is of another format."""
        self._has_begun = True
        if line.startswith(_HTML):
            raise PrometheusTextError(self._line, "is HTML or XML, not Prometheus' text format")
        if _JSON.match(line):
            raise PrometheusTextError(self._line, "is JSON, not Prometheus' text format")
        is_cut = len(self._begun) == self._longest
        if not (is_cut or self._is_wanted(line) or _LIKE_A_SAMPLE.match(line)):
            text = self._text(line)
            raise PrometheusTextError(self._line, f"{repr(text[:_SHOWN])[:_SHOWN]} is not Prometheus' text format")

    def _read_comment(self, line: bytes) -> None:
        if self._openmetrics and line == _END.encode():
            self._has_ended = True
        elif self._wanted is None:
            text = self._text(line)
            try:
                comment = parse_comment(text)
            except ValueError as error:
                raise self._unreadable(text, error) from None
            if comment is not None:
                self.comments[self._line] = comment

    def _is_wanted(self, line: bytes) -> bool:
        if self._wanted is None:
            return True
        if line.startswith(b"{"):  # the name is in quotes somewhere among the labels
            return any(name in line for name in self._wanted) and self._name_in_quotes(line) in self._wanted
        name = _PLAIN_NAME.match(line)
        return name is not None and name[0] in self._wanted

    def _name_in_quotes(self, line: bytes) -> bytes:
        try:
            sample = parse_sample(line.decode())
        except ValueError:
            return b""
        return sample.name.encode() if sample else b""

    def _text(self, line: bytes) -> str:
        if self._has_ended:
            raise PrometheusTextError(self._line, f"there is more after {_END}")
        if len(self._begun) == self._longest:
            raise PrometheusTextError(self._line, f"is longer than {self._longest - 1} bytes")
        if line.startswith(_BYTE_ORDER_MARK):
            raise PrometheusTextError(self._line, "begins with a byte order mark: save the text as UTF-8 without one")
        if line.startswith(_UTF_16):
            raise PrometheusTextError(self._line, "is UTF-16: save the text as UTF-8")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise PrometheusTextError(self._line, "is not UTF-8") from None

    def _sample(self, text: str) -> Sample | None:
        self._samples_left -= 1
        if self._samples_left < 0:
            raise TooManySamples(self._line, f"has more than {self._max_samples} samples")
        try:
            sample = parse_sample(text, openmetrics=self._openmetrics)
        except ValueError as error:
            raise self._unreadable(text, error) from None
        if sample is not None and sample.timestamp is not None and not self._timestamps:
            raise PrometheusTextError(self._line, "has a timestamp, which makes no sense here: remove it")
        return sample

    def _unreadable(self, text: str, problem: ValueError) -> PrometheusTextError:
        return PrometheusTextError(self._line, f"cannot read {repr(text[:_SHOWN])[:_SHOWN]}: {problem}")


def read_samples(
    text: bytes | Iterable[bytes],
    wanted: Collection[str] | None = None,
    *,
    openmetrics: bool = False,
    max_samples: int = MAX_SAMPLES,
) -> Iterator[Sample]:
    """The samples of a text, or of its pieces as they come; what is raised is `PrometheusTextError`.

    `wanted` are the names of those to read. Timestamps are in seconds since 1970; values may be NaN or infinite.
    """
    reader = SampleReader(wanted, openmetrics=openmetrics, max_samples=max_samples)
    yield from (sample for _, sample in numbered_samples(reader, text))


def numbered_samples(reader: SampleReader, text: bytes | Iterable[bytes]) -> Iterator[tuple[int, Sample]]:
    """The samples that a reader finds in a text or in its pieces, by the number of their line."""
    for piece in [text] if isinstance(text, bytes) else text:
        yield from reader.feed(piece)
    yield from reader.finish()
