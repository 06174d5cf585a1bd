"""Labels: which values may be published, and how a series is written with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from collector_core.errors import ReadingError, visible

MAX_LABEL_CHARACTERS = 1024


def check_label(metric: str, label: str, text: object) -> None:
    """Raises `ReadingError` for a label's value that must not be published."""
    if not isinstance(text, str):
        raise ReadingError(f"{metric}: label {label} must be text, got {type(text).__name__}")
    if len(text) > MAX_LABEL_CHARACTERS:
        raise ReadingError(f"{metric}: label {label} has {len(text)} characters, {MAX_LABEL_CHARACTERS} at most")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ReadingError(f"{metric}: label {label} is not valid Unicode: {error.reason}") from error


def checked_label(metric: str, label: str, text: str) -> str:
    r"""A label's value as it is published: control characters, which a terminal would obey, become `\x1b`.

    Raises `ReadingError` as `check_label` does.
    """
    check_label(metric, label, text)
    return visible(text)


def label_text(labels: Mapping[str, str]) -> str:
    """What stands between a series' name and its value."""
    if not labels:
        return ""
    pairs = (f'{name}="{_escape(value)}"' for name, value in sorted(labels.items()))
    return "{" + ",".join(pairs) + "}"


def label_writer(fixed: Mapping[str, str], names: Sequence[str]) -> Callable[[Sequence[str]], str]:
    """What writes the `label_text` of many series: of label values in the order of `names`, and `fixed` ones.

    Those of `names` go first where both have a name.
    """
    pairs = {name: f'{name}="{_escape(value)}"'.replace("%", "%%") for name, value in fixed.items()}
    pairs |= {name: f'{name}="%s"' for name in names}
    order = sorted(range(len(names)), key=names.__getitem__)
    template = "{" + ",".join(pairs[name] for name in sorted(pairs)) + "}" if pairs else ""
    return lambda values: template % tuple([_escape(values[place]) for place in order])


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
