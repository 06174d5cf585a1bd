"""The detector of the plugin anomaly: what it finds, what it costs, and how often it is wrong when nothing happens."""

from __future__ import annotations

import gc
import json
import random
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from statistics import mean

from bench.effort import Effort
from bench.figures import Figure, Goal, MissingProgramError, Table
from bench.nab import corpus, quiet, scoring, sites
from bench.nab.corpus import Recording
from bench.nab.scoring import Outcome, Profile, Scores
from collector_plugins.anomaly.detector import CHOSEN, FLEET, Detector, Settings
from collector_plugins.anomaly.detector.alarm_gate import AlarmGate

UNREACHED = 1e9  # a level at which no alarm begins
LEVELS = [0.4 * 1.1**step for step in range(24)]  # among which the best is looked for
FLEET_SERIES = 2_000
SITE_STEPS = (60.0, 300.0)
SAMPLE_GOAL = Goal(10, 3)
STATE_GOAL = Goal(20, 4)
CORE_GOAL = Goal(0.5, 0.1)
SCORE_GOAL = Goal(72, 75, more=True)
OTHER_GOAL = Goal(68, 75, more=True)
QUIET_GOAL = Goal(1, 0.5)

Pairs = Sequence[tuple[Recording, Scores]]
Line = tuple[str | float, ...]


def measure(effort: Effort) -> list[Figure | Table]:
    """Raises `MissingProgramError` where the benchmark's data is not beside the project."""
    try:
        recordings = corpus.read()
    except FileNotFoundError as missing:
        raise MissingProgramError(f"no benchmark data: {missing.filename}") from missing
    started = time.process_time()
    pairs = [(recording, judged(recording)) for recording in recordings]
    seconds = time.process_time() - started
    sample = seconds / sum(len(recording.values) for recording in recordings)
    return [
        *_scores(pairs),
        *_costs(sample, recordings),
        *_quiet(effort.quiet_months),
        _sites((effort.quiet_months + 1) // 2),
    ]


def judged(recording: Recording, settings: Settings = CHOSEN) -> list[float]:
    """Row by row how unusual it is, 0 in the warm-up; whatever the level of an alarm."""
    detector = Detector(replace(settings, level=UNREACHED), row_seconds=recording.row_seconds)
    verdicts = map(detector.update, recording.values, recording.times)
    return [0.0 if verdict.warming_up else verdict.level for verdict in verdicts]


def alarms(rows: Scores, level: float) -> list[float]:
    """Row by row: the level of an alarm that begins there, 0 where none does, of what `judged` returns."""
    gate = AlarmGate(CHOSEN.hold_rows)
    return [found if found >= level and gate.begins(row, found) else 0.0 for row, found in enumerate(rows)]


def at_level(pairs: Pairs, level: float, profile: Profile) -> Outcome:
    """What the alarms of judged recordings earn at a level."""
    return scoring.at(level, _begun(pairs, level), profile)


def _begun(pairs: Pairs, level: float) -> Pairs:
    return [(recording, alarms(rows, level)) for recording, rows in pairs]


def _scores(pairs: Pairs) -> list[Figure | Table]:
    tuning = [pair for pair in pairs if pair[0].for_tuning]
    other = [pair for pair in pairs if not pair[0].for_tuning]
    parts = {"all files": pairs, "half tuned on": tuning, "other half": other}
    lines = [_line(f"{name}, level {CHOSEN.level:g}", part, [CHOSEN.level]) for name, part in parts.items()]
    lines += _fleet_lines(parts)
    lines += [_line(f"{name}, best level for it", part, LEVELS) for name, part in parts.items()]
    head = ("Numenta Anomaly Benchmark", *(profile.name for profile in scoring.PROFILES), "found", "false alarms")
    fixed = at_level(pairs, CHOSEN.level, scoring.STANDARD).final
    kept = at_level(other, CHOSEN.level, scoring.STANDARD).final
    return [
        Figure("nab", "Benchmark score, default level, all files", "", [fixed], goal=SCORE_GOAL),
        Figure("nab", "Benchmark score, default level, the half not tuned on", "", [kept], goal=OTHER_GOAL),
        Table("nab", "Anomalies found, of a perfect 100", head, lines),
    ]


def _fleet_lines(parts: Mapping[str, Pairs]) -> Iterator[Line]:
    for name, part in parts.items():
        fleet = [(recording, judged(recording, FLEET)) for recording, _ in part]
        yield _line(f"{name}, fleet, level {FLEET.level:g}", fleet, [FLEET.level])


def _line(name: str, pairs: Pairs, levels: Sequence[float]) -> Line:
    """By profile what is earned at the best of these levels."""
    by_level = [_outcomes(pairs, level) for level in levels]
    outcomes = [max(each, key=lambda outcome: outcome.final) for each in zip(*by_level, strict=True)]
    windows = sum(len(recording.windows) for recording, _ in pairs)
    standard = outcomes[0]
    found = f"{standard.found} of {windows}"
    return name, *(round(outcome.final, 1) for outcome in outcomes), found, standard.false


def _outcomes(pairs: Pairs, level: float) -> list[Outcome]:
    begun = _begun(pairs, level)
    return [scoring.at(level, begun, profile) for profile in scoring.PROFILES]


def _costs(sample: float, recordings: Sequence[Recording]) -> list[Figure | Table]:
    longest = max(recordings, key=lambda recording: len(recording.values))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    detector = Detector(row_seconds=longest.row_seconds)
    for value, when in zip(longest.values, longest.times, strict=True):
        detector.update(value, when)
    gc.collect()
    memory = (tracemalloc.get_traced_memory()[0] - before) / 1024
    tracemalloc.stop()
    saved = len(json.dumps(detector.state(), separators=(",", ":"))) / 1024
    share = 100 * sample * FLEET_SERIES / quiet.ROW_SECONDS
    return [
        Figure("nab", "CPU of a row of a series", "µs", [sample * 1e6], goal=SAMPLE_GOAL),
        Figure("nab", "Memory of a series", "KiB", [memory], goal=STATE_GOAL),
        Figure("nab", "Saved state of a series, JSON", "KiB", [saved], goal=STATE_GOAL),
        Figure("nab", f"Share of a core, {FLEET_SERIES} series, one-minute rows", "%", [share], goal=CORE_GOAL),
    ]


def _quiet(months: int) -> list[Figure | Table]:
    """False alarms per series and month on each kind of quiet series."""
    lines: list[Line] = []
    worst = 0.0
    for kind in (*quiet.KINDS, *quiet.LONG_TAILS):
        alarms = [_alarms(kind(random.Random(seed)), FLEET) for seed in range(months)]
        chosen = [_alarms(kind(random.Random(seed)), CHOSEN) for seed in range(months)]
        if kind in quiet.KINDS:
            worst = max(worst, mean(alarms))
        lines.append((kind.__name__.replace("_", " "), round(mean(alarms), 2), round(mean(chosen), 2)))
    head = ("quiet series", f"fleet, level {FLEET.level:g}", f"chosen, level {CHOSEN.level:g}")
    title = f"False alarms a month, one-minute rows, the first month, mean of {months} series"
    return [
        Figure("nab", "False alarms a month, fleet, the worst kind of series", "", [worst], goal=QUIET_GOAL),
        Table("nab", title, head, lines),
    ]


def _sites(series: int) -> Table:
    """The same for series of simulated sites, in the first month and in the second."""
    lines: list[Line] = []
    for kind, step in product(sites.SITES, SITE_STEPS):
        found = [_two_months(kind(random.Random(seed), step), step) for seed in range(series)]
        means = (round(mean(each), 2) for each in zip(*found, strict=True))
        lines.append((kind.__name__.replace("_", " "), step, *means))
    head = ("series of a site", "seconds a row", "first month", "second month")
    return Table("nab", f"False alarms a month at the fleet's level, mean of {series} series", head, lines)


def _two_months(values: quiet.Series, step: float) -> tuple[int, int]:
    detector = Detector(FLEET, row_seconds=step)
    month = round(quiet.MONTH * quiet.ROW_SECONDS / step)
    rows = iter(enumerate(values))
    first, second = (
        sum(detector.update(value, quiet.START + row * step).onset for row, value in islice(rows, month))
        for _ in range(2)
    )
    return first, second


def _alarms(values: quiet.Series, settings: Settings) -> int:
    detector = Detector(settings, row_seconds=quiet.ROW_SECONDS)
    return sum(
        detector.update(value, quiet.START + row * quiet.ROW_SECONDS).onset
        for row, value in enumerate(islice(values, quiet.MONTH))
    )
