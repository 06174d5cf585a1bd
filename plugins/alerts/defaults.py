"""The rules that are watched unless the configuration says otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from collector_plugins.alerts.alert import Severity
from collector_plugins.alerts.config import Config
from collector_plugins.alerts.rule_options import Rule

_DOCTOR = "energy-collector doctor   # says what it lacks and the command that helps"


def _anomaly(alert: str, levels: str, severity: Severity) -> Rule:
    return Rule(
        alert=alert,
        series=f'anomaly_active{{severity=~"{levels}"}}',
        info='{__topic__="incident",__of__="series"}',
        above=0,
        severity=severity,
        summary="{component}, {type}, severity {exported_severity} of 5: {description|it behaves unusually}",
        fix="{actions|look at /api/v1/anomalies: it has the numbers and what to do}",
        keep_firing=60,
    )


DEFAULT_RULES = (
    Rule(
        alert="CollectorDown",
        series='collector_up{plugin!="alerts"}',
        equals=0,
        hold=120,
        summary="The collector {collector} has no data: {reason}",
        description="Its last runs failed, and its series vanish once they are stale.",
        fix=_DOCTOR,
    ),
    _anomaly("MinorAnomaly", "[12]", Severity.INFO),
    _anomaly("Anomaly", "3", Severity.WARNING),
    _anomaly("SevereAnomaly", "4", Severity.CRITICAL),
    _anomaly("CriticalAnomaly", "5", Severity.CRITICAL),
    Rule(
        alert="TargetDown",
        series='{__name__=~".*_up",__name__!~"collector_up|alerts_channel_up"}',
        info='{__name__=~".*_unavailable_info",__name__!~"collector_.*"}',
        equals=0,
        hold=120,
        summary="{title} is down: {reason}",
        description="It has not been there for two minutes, while its collector goes on.",
        fix=_DOCTOR,
    ),
    Rule(
        alert="Outage",
        series='{__topic__="availability",__name__!~".*_up"}',
        equals=0,
        hold=60,
        summary="{title} is not available",
    ),
    Rule(
        alert="Finding",
        series='{__topic__="finding"}',
        above=0,
        summary="{title}",
    ),
    Rule(
        alert="BatteryLow",
        series='{__topic__="low_charge"}',
        equals=1,
        hold=60,
        summary="{title}",
        fix="charge it, or switch off what it feeds",
    ),
    Rule(
        alert="BatteryWillBeEmpty",
        series='{__topic__="time_to_empty",quantile="0.5"}',
        below=3 * 3600.0,
        hold=600,
        keep_firing=600,
        summary="{battery} will probably be empty within three hours",
        fix="move load to later, or charge it; /api/v1/forecasts says how sure it is",
    ),
    Rule(
        alert="PeakAboveLimit",
        series='{__topic__="limit_risk"}',
        above=0.5,
        hold=1800,
        summary="Tomorrow's peak of {series} is probably above its limit",
        fix="spread what can run at another time; /api/v1/forecasts/best-window has the best time",
    ),
    Rule(
        alert="ResourceWillBeExhausted",
        series='{__topic__="time_to_exhaustion",quantile="0.5"}',
        below=7 * 86_400.0,
        hold=7200,
        summary="{resource} will be exhausted within a week if it goes on shrinking as it does",
        fix="remove what is not needed, or make it larger",
    ),
    Rule(
        alert="NodeStalled",
        series='{__topic__="stalled"}',
        equals=1,
        hold=120,
        severity=Severity.CRITICAL,
        summary="{title}",
        fix="look at its log, its peers and its disk",
    ),
    Rule(
        alert="AlertChannelDown",
        series="alerts_channel_up",
        equals=0,
        hold=600,
        summary="Alerts do not get through to the channel {channel}",
        fix="energy-collector alerts test {channel}   # says why",
    ),
    Rule(
        alert="StateDamaged",
        series='{__topic__="damage"}',
        above=0,
        summary="{title}: what could be read of it goes on",
        description="Each damaged file is kept beside the new one as NAME.corrupt-TIME.",
        fix="check the disk; then remove the copies and reload",
    ),
    Rule(
        alert="ConfigurationNotApplied",
        series="collector_config_reload_success",
        equals=0,
        hold=300,
        summary="The configuration on disk is not the one that runs",
        fix="energy-collector check --config FILE   # names every line that is wrong",
    ),
)


def rules_of(config: Config) -> Iterator[Rule]:
    """The rules of the configuration, then ours that it does not replace."""
    yield from config.rules
    if config.default_rules:
        replaced = {rule.alert for rule in config.rules}
        yield from (rule for rule in DEFAULT_RULES if rule.alert not in replaced)
