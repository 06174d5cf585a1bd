"""What every plugin must keep to, as one assertion."""

from __future__ import annotations

import inspect
import logging
from pathlib import Path
from typing import Any

from collector_core.collector import Collector, Context
from collector_core.discovery import check_type
from collector_core.errors import NotAvailable


def assert_plugin_contract(cls: type[Collector[Any]], empty_root: Path) -> None:
    """Check a collector class against the contract; raises `AssertionError` or `DeclarationError`.

    `empty_root` is an empty folder: detection on it must answer instead of raising. Checked: names, declarations
    and prefixes; every option and metric is described; `close` works without `open` and twice; the constructor
    opens nothing.
    """
    check_type(cls.name.partition("_")[0] if "_" in cls.name else cls.name, cls)
    assert inspect.getdoc(cls), f"{cls.__name__} has no docstring"
    for name, field in cls.config_type.model_fields.items():
        assert field.description, f"option {name} has no description"
    ctx = Context(cls.name, logging.getLogger(cls.name), root=empty_root)
    answer = cls.detect(ctx)
    assert answer is None or isinstance(answer, NotAvailable), "detect() must return None or NotAvailable"
    assert answer is None or answer.detail, "NotAvailable must say what is missing"
    if not any(field.is_required() for field in cls.config_type.model_fields.values()):
        _assert_lifecycle(cls, ctx)


def _assert_lifecycle(cls: type[Collector[Any]], ctx: Context) -> None:
    collector = cls(cls.config_type(), ctx)
    for _ in range(2):
        result = collector.close()
        if inspect.iscoroutine(result):
            result.close()
