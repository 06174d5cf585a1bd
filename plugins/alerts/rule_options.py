"""A rule as it is written in the configuration."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from collector_core import Duration, Field, Options, SelectorText
from collector_plugins.alerts.alert import ALERTNAME, INSTANCE, SEVERITY, Severity

Comparison = Literal[">", ">=", "<", "<=", "==", "!="]
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
SHORTHANDS: dict[str, Comparison] = {"above": ">", "below": "<", "equals": "=="}


def _allow_zero(given: Any, handle: ValidatorFunctionWrapHandler) -> float:
    """`Duration` excludes 0."""
    return 0.0 if given in (0, "0", "0s") and not isinstance(given, bool) else handle(given)


DurationOrZero = Annotated[Duration, WrapValidator(_allow_zero)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(max_length=2000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Rule(Options, populate_by_name=True):
    """A condition on every series that `series` selects, which must hold for `for` seconds."""

    alert: str = Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_ .:-]{0,99}$", description="Name of the alert.")
    series: SelectorText = Field(
        max_length=1000, description="Selector as in PromQL, with `*` in the name as a wildcard."
    )
    above: Number | None = Field(None, description="Holds while the value is above this number.")
    below: Number | None = Field(None, description="Holds while the value is below this number.")
    equals: Number | None = Field(None, description="Holds while the value is exactly this number.")
    comparison: Comparison | None = Field(None, description="Holds while the value compares like this ...")
    threshold: Number | None = Field(None, description="... with this number.")
    absent: bool = Field(False, description="Holds while the selector matches no series.")
    hold: DurationOrZero = Field(0.0, alias="for", description="How long it must hold before the alert fires.")
    keep_firing: DurationOrZero = Field(0.0, description="How long the alert goes on after it no longer holds.")
    severity: Severity = Field(Severity.WARNING, description="`info`, `warning` or `critical`.")
    summary: Text = Field("", description="One line; `{label}` and `{value}` are replaced.")
    description: Text = Field("", description="Details.")
    fix: Text = Field("", description="What to do.")
    labels: dict[Label, str] = Field({}, max_length=20, description="Additional labels of the alert.")
    info: SelectorText | Literal[""] = Field(
        "",
        max_length=1000,
        description="Selector of info metrics: the labels of those that agree with the series may be used in texts.",
    )

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        if reserved := sorted({ALERTNAME, SEVERITY, INSTANCE} & labels.keys()):
            raise ValueError(f"the label {reserved[0]!r} is set automatically")
        return labels

    @model_validator(mode="after")
    def _check_condition(self) -> Self:
        given = [name for name in SHORTHANDS if getattr(self, name) is not None]
        given += ["comparison"] if self.comparison or self.threshold is not None else []
        given += ["absent"] if self.absent else []
        if len(given) != 1:
            raise ValueError("give exactly one of above, below, equals, absent, or comparison with threshold")
        if given == ["comparison"] and (self.comparison is None or self.threshold is None):
            raise ValueError("comparison and threshold belong together")
        return self

    @property
    def condition(self) -> tuple[Comparison, float]:
        """How the value is compared, and with what; meaningless if the rule is about an absent series."""
        for name, comparison in SHORTHANDS.items():
            number = getattr(self, name)
            if number is not None:
                return comparison, number
        return self.comparison or "!=", self.threshold or 0.0
