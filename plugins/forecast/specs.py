"""What is forecast: the series of the configuration, and those that suit most sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector_core import Selector
from collector_plugins.forecast.config import Config, SeriesOptions


@dataclass(frozen=True)
class Spec:
    """One series to forecast; times in seconds. One that is not `wanted` may well be missing."""

    name: str
    selector: Selector
    kind: str
    horizon: float
    step: float
    quantiles: tuple[float, ...]
    model: str
    covariates: tuple[str, ...] = ()
    limit: float | None = None
    wanted: bool = True


POWER, SOLAR, HOME_LOAD, PRICE, CARBON = "power", "solar", "home_load", "price", "carbon"
DEFAULTS = (
    (POWER, "energy_power_watts", "sum"),
    (SOLAR, '{__topic__="power",__of__="solar"}', "sum"),
    (HOME_LOAD, '{__topic__="power",__of__="home"}', "sum"),
    ("charge", '{__topic__="charge",__of__="battery"}', "mean"),
    ("hash_rate", '{__topic__="hash_rate",__of__!="cryptography"}', "sum"),
    ("requests", '{__topic__="throughput",__of__="model_server"}', "sum"),
    (PRICE, '{__topic__="price"}', "mean"),
    (CARBON, '{__topic__="carbon_intensity"}', "mean"),
    ("temperature", '{__topic__="temperature",__of__=~"host|cpu|site|home"}', "mean"),
)


def specs_of(config: Config) -> Sequence[Spec]:
    """All series to forecast; one of the configuration replaces the default of the same name."""
    found = {each.name: _configured(each, config) for each in config.series}
    for name, selector, kind in DEFAULTS if config.default_series else ():
        if name not in found:
            found[name] = _configured(SeriesOptions(name=name, selector=selector, kind=kind), config, wanted=False)
    return list(found.values())


def _configured(options: SeriesOptions, config: Config, *, wanted: bool = True) -> Spec:
    return Spec(
        options.name,
        Selector.parse(options.selector),
        options.kind,
        options.horizon or config.horizon,
        options.step or config.step,
        tuple(sorted(options.quantiles or config.quantiles)),
        options.model or config.model,
        options.covariates,
        options.limit,
        wanted,
    )
