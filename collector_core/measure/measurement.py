"""What measuring a piece of work found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple


class Disagreement(NamedTuple):
    """What another method says of the same thing: its joules while both were read, by which ratio they exceed ours."""

    component: str
    method: str
    energy_joules: float
    ratio: float


@dataclass(frozen=True, slots=True)
class OtherUse:
    """What processes that were named used meanwhile, all below them included; None is what is not known.

    Its fields are also had by name, as in JSON: `other["cpu_seconds"]`.
    """

    name: str
    cpu_seconds: float | None = None
    cpu_share_ratio: float | None = None
    attributed_energy_joules: float | None = None

    def __getitem__(self, field_name: str) -> str | float | None:
        """A field; raises `KeyError` where there is none of that name."""
        return asdict(self)[field_name]  # type: ignore[no-any-return]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON; what is not known is not in it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(slots=True, eq=False, repr=False)
class Measurement:
    """One piece of work. What cannot be known is None or empty; before it has ended nothing is (`AttributeError`).

    Energy is that of the machine while the work ran, in joules:

    - `energy_joules` is the sum of `components` (by cpu, dram, gpu, …), None where a part of it is not known:
      `problems` then say why. What measuring itself cost is subtracted; `raw_energy_joules` is as it was read.
    - `emissions_grams` (of CO2 equivalent) and `cost` in `currency` are those of `energy_joules`, with what the
      building takes on top (`pue`), where the options of the collector `energy` say what a kWh emits and costs.
    - `method` says how it came to be known (`rapl`, `rapl+nvml_counter`), `estimated` whether a model had a part in it.
    - `uncertainty_ratio` is the expected error, with that of a meter which is updated only every `period_seconds`.
      A block that is `shorter_than_period` has no energy, not 0 J.
    - `idle_joules`: what the machine would have used anyway, by its power while the monitor waited before it measured.
    - `attributed_energy_joules`: the share of this process and all below it, by CPU time among all that the machine's
      CPUs worked (`cpu_share_ratio`), in the energy of cpu, dram and host. Processes that were named (`processes=`) are
      not in it: `others` has what each of them used, `attributed_with_others_joules` is the share of all together,
      each process once.
    - `disagreements`: what other methods say of the same things, in a block of a tenth of a second or more.

    `duration_seconds` and `cpu_seconds` are without the cost of measuring, `raw_…` with it; `overhead_joules` and
    `overhead_seconds` are that cost. `cpu_percent` is 100 where one CPU was busy all the time. `memory_bytes` is the
    most that was resident, `memory_change_bytes` by how much it grew. `network_bytes` are those of all interfaces but
    loopback, whoever sent them; `disk_bytes` are this process tree's own. `started_at` is in seconds since 1970.

    `host` is what the kernel calls the machine, `processor` what its processor is called, empty where nothing says it.
    `work` is what was done, in units of the caller's (gas, bytes, tokens): add to it while the work runs, or later.
    """

    label: str
    level: str
    started_at: float
    work: dict[str, float] = field(default_factory=dict)
    host: str = field(init=False)
    processor: str = field(init=False)
    duration_seconds: float = field(init=False)
    raw_duration_seconds: float = field(init=False)
    energy_joules: float | None = field(init=False)
    raw_energy_joules: float | None = field(init=False)
    components: dict[str, float] = field(init=False)
    method: str = field(init=False)
    estimated: bool = field(init=False)
    emissions_grams: float | None = field(init=False)
    cost: float | None = field(init=False)
    currency: str | None = field(init=False)
    uncertainty_ratio: float | None = field(init=False)
    idle_joules: float | None = field(init=False)
    attributed_energy_joules: float | None = field(init=False)
    cpu_share_ratio: float | None = field(init=False)
    others: tuple[OtherUse, ...] = field(init=False)
    attributed_with_others_joules: float | None = field(init=False)
    cpu_seconds: float = field(init=False)
    raw_cpu_seconds: float = field(init=False)
    cpu_percent: float | None = field(init=False)
    memory_bytes: int | None = field(init=False)
    memory_change_bytes: int | None = field(init=False)
    network_bytes: int | None = field(init=False)
    disk_bytes: int | None = field(init=False)
    overhead_joules: float | None = field(init=False)
    overhead_seconds: float = field(init=False)
    period_seconds: float = field(init=False)
    shorter_than_period: bool = field(init=False)
    disagreements: tuple[Disagreement, ...] = field(init=False)
    problems: tuple[str, ...] = field(init=False)
    _conclude: Callable[[Measurement], None] | None = field(init=False, default=None)

    def ended(self, conclude: Callable[[Measurement], None]) -> None:
        """It has ended; `conclude` fills everything in when somebody asks, which is not the time to be quick at."""
        self._conclude = conclude

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON; what is not known is not in it."""
        values = {name: getattr(self, name) for name in FIELDS}
        values["disagreements"] = [each._asdict() for each in self.disagreements]
        values["problems"] = list(self.problems)
        values["others"] = [each.to_dict() for each in self.others]
        return {name: value for name, value in values.items() if value is not None and (value or name not in _OPTIONAL)}

    if not TYPE_CHECKING:  # else every misspelt name would pass for an attribute

        def __getattr__(self, name: str) -> Any:
            """Called for a field that is not filled in yet, and for what is not a field."""
            if name not in FIELDS:
                raise AttributeError(f"a measurement has no {name!r}")
            if self._conclude is None:
                raise AttributeError(f"{name} is known once the measurement has ended")
            self._conclude(self)
            return object.__getattribute__(self, name)


_OPTIONAL = ("work", "others")  # not in plain data where there is none
FIELDS = tuple(each.name for each in fields(Measurement) if not each.name.startswith("_"))
