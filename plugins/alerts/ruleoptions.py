"""A rule as it is written in the configuration."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from collector_core import Duration, Field, Selector
from collector_plugins.alerts.alert import INSTANCE, NAME, SEVERITY, Severity

Comparison = Literal[">", ">=", "<", "<=", "==", "!="]
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
SHORT: dict[str, Comparison] = {"above": ">", "below": "<", "equals": "=="}


def _zero(given: Any, handle: ValidatorFunctionWrapHandler) -> float:
    """`Duration` begins above 0."""
    return 0.0 if given in (0, "0", "0s") and not isinstance(given, bool) else handle(given)


Span = Annotated[Duration, WrapValidator(_zero)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(max_length=2000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Rule(BaseModel):
    """`series` compared with a number, or missing; `for` so long."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    alert: str = Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_ .:-]{0,99}$", description="The alert's name.")
    series: str = Field(max_length=1000, description="Which series: a selector as in PromQL, and `*` in the name.")
    above: Number | None = Field(None, description="It holds where the value is above this,")
    below: Number | None = Field(None, description="or below this,")
    equals: Number | None = Field(None, description="or exactly this,")
    comparison: Comparison | None = Field(None, description="or compares like this")
    threshold: Number | None = Field(None, description="with this number,")
    absent: bool = Field(False, description="or where there is no such series.")
    hold: Span = Field(0.0, alias="for", description="It must hold for so long.")
    keep_firing: Span = Field(0.0, description="The alert goes on for so long after it holds no more.")
    severity: Severity = Field(Severity.WARNING, description="`info`, `warning` or `critical`.")
    summary: Text = Field("", description="One line; `{label}` and `{value}` are filled in.")
    description: Text = Field("", description="More of it.")
    fix: Text = Field("", description="What to do.")
    labels: dict[Label, str] = Field({}, max_length=20, description="Labels of its alerts.")

    @field_validator("series")
    @classmethod
    def _is_selector(cls, series: str) -> str:
        Selector.parse(series)
        return series

    @field_validator("labels")
    @classmethod
    def _are_free(cls, labels: dict[str, str]) -> dict[str, str]:
        if taken := sorted({NAME, SEVERITY, INSTANCE} & labels.keys()):
            raise ValueError(f"the label {taken[0]!r} is set by itself")
        return labels

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        given = [name for name in SHORT if getattr(self, name) is not None]
        given += ["comparison"] if self.comparison or self.threshold is not None else []
        given += ["absent"] if self.absent else []
        if len(given) != 1:
            raise ValueError("give one of above, below, equals, absent, or comparison with threshold")
        if given == ["comparison"] and (self.comparison is None or self.threshold is None):
            raise ValueError("comparison and threshold go together")
        return self

    @property
    def test(self) -> tuple[Comparison, float]:
        """How the value is compared, and with what; means nothing where the rule is for a missing series."""
        for name, comparison in SHORT.items():
            number = getattr(self, name)
            if number is not None:
                return comparison, number
        return self.comparison or "!=", self.threshold or 0.0
