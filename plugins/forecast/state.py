"""What is known of each series, and the files that keep it across restarts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from collector_core import Context, FaultLog, Field, Options
from collector_core.storage import private_folder, read_bounded, set_aside, write_atomically
from collector_plugins.forecast.messages import Number, Refusal, Trained
from collector_plugins.forecast.record import Earlier
from collector_plugins.forecast.specs import Spec

MOST_BYTES = 8_000_000
FOLDER = "series"
SAVING = "saving forecasts"


class Shown(Options):
    """What came true at a time, beside what had been forecast; as in `record.Truth`."""

    time: Number
    value: Number | None
    low: Number
    middle: Number
    high: Number


class Known(Options):
    """The last forecast of a series, the ones before it, and what became of them."""

    trained: Trained
    trained_at: Number
    horizon: Number
    unit: str = ""
    earlier: list[Earlier] = Field([])
    shown: list[Shown] = Field([])
    past: list[tuple[Number, Number | None]] = Field([])
    recent_mase: float | None = None
    recent_coverage: float | None = None
    level: float = 0.0
    rates: dict[str, Number] = Field({})
    currency: str = ""


class Saved(Options):
    """A file: what is known of a series, and why there is nothing new."""

    known: Known | None = None
    refusal: Refusal | None = None


@dataclass
class SeriesState:
    """A series as the collector holds it: when its next training is `due`, and the `earliest`, in monotonic seconds."""

    spec: Spec
    saved: Saved = field(default_factory=Saved)
    due: float = 0.0
    earliest: float = 0.0
    failures: int = 0

    @property
    def known(self) -> Known | None:
        """The last forecast, if there is one."""
        return self.saved.known

    @property
    def refusal(self) -> Refusal | None:
        """Why there is no forecast, or no new one."""
        return self.saved.refusal


class StateFiles:
    """One file for each series in the collector's folder; one that cannot be used is set aside, or left out."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._faults = FaultLog(ctx.logger)

    def load(self, names: Iterable[str]) -> dict[str, Saved]:
        """What is kept of these series."""
        found: dict[str, Saved] = {}
        try:
            folder = self._folder()
        except OSError as error:
            self._faults.record_failure(SAVING, error)
            return found
        for name in names:
            file = folder / f"{name}.json"
            try:
                found[name] = Saved.model_validate_json(read_bounded(file, MOST_BYTES))
            except FileNotFoundError:
                continue
            except (OSError, ValidationError, ValueError) as error:
                self._faults.record_incident(f"{file.name} cannot be used", error)
                if not isinstance(error, OSError):
                    set_aside(file)
        return found

    def save(self, name: str, saved: Saved) -> None:
        """Keep this; where the disk refuses, it is said once and nothing is lost but across a restart."""
        try:
            folder = self._folder()
            private_folder(folder)
            write_atomically(folder / f"{name}.json", saved.model_dump_json())
        except OSError as error:
            self._faults.record_failure(SAVING, error)
        else:
            self._faults.record_success(SAVING)

    def _folder(self) -> Path:
        return self._ctx.state_dir / FOLDER
