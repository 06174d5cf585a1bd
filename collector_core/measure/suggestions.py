"""What the figures of an operation suggest to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean

from collector_core.measure.kept import KeptMeasurement
from collector_core.measure.operations import figures
from collector_core.measure.statistics import summarize
from collector_core.model.quantities import percent

ENOUGH = 5  # runs, below which a mean says little
SPREAD = 0.1  # of the mean: a margin worth more runs
MOSTLY_IDLE = 0.8  # of the energy
LOW_CPU = 20.0  # percent: work that waits most of the time
DISAGREEMENT = 0.2


def suggestions(label: str, kept: Sequence[KeptMeasurement]) -> Iterator[str]:
    """One line each."""
    for advice in (*_on_what_is_missing(kept), *_on_chance(kept), *_on_use(kept)):
        yield f"{code(label)}: {advice}"


def code(text: str) -> str:
    """A text as code, which ends neither itself nor the cell of a table in which it stands."""
    plain = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`"


def _on_what_is_missing(kept: Sequence[KeptMeasurement]) -> Iterator[str]:
    short = sum(bool(each.result.get("shorter_than_period")) for each in kept)
    without = len(kept) - len(figures(kept, "energy_joules"))
    if short:
        yield f"{short} of {len(kept)} were over before a meter was updated; measure many in one block."
    elif without:
        yield f"{without} of {len(kept)} have no energy; `measurements export` shows why."


def _on_chance(kept: Sequence[KeptMeasurement]) -> Iterator[str]:
    energies = figures(kept, "energy_joules")
    if len(energies) < ENOUGH:
        yield f"{len(energies)} of at least {ENOUGH} measurements needed to rule out chance; use `--repeat {ENOUGH}`."
        return
    found = summarize(energies)
    if found.margin and found.margin > SPREAD * found.mean:
        margin = percent(found.margin / found.mean)
        yield f"the mean is known to ± {margin} only; measure more often, or on a quieter machine."


def _on_use(kept: Sequence[KeptMeasurement]) -> Iterator[str]:
    energies, idle = figures(kept, "energy_joules"), figures(kept, "idle_joules")
    if energies and len(idle) == len(energies) and sum(idle) > MOSTLY_IDLE * sum(energies):
        share = percent(min(1.0, sum(idle) / sum(energies)))
        yield f"{share} of the energy is what the idle machine draws; doing it sooner, or several at once, saves most."
    cpu = figures(kept, "cpu_percent")
    if cpu and mean(cpu) < LOW_CPU:
        yield f"it used {mean(cpu):.0f} % of one CPU and waited otherwise; do other work meanwhile."
    ratios = [abs(each["ratio"]) for one in kept for each in one.result.get("disagreements", [])]
    if ratios and mean(ratios) > DISAGREEMENT:
        yield f"methods disagree by {percent(mean(ratios))}; trust the comparison of runs more than the joules."
