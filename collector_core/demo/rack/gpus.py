"""The GPUs of the demo rack and of the machines beside it: what they work on, and what that takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import NAMESPACE_DNS, uuid5

from collector_core.demo.signals import HOUR, daily, noise, pick

RAMP = 90.0  # seconds that a job takes to begin and to end
HOT_CELSIUS = 83.0  # from here on a GPU slows itself down

TRAINING = (0.0, 0.55, 0.9, 1.0, 1.0)
BATCH = (0.0, 0.0, 0.3, 0.7)


class Work(StrEnum):
    """What a GPU does: `training` runs for hours at its limit, `inference` follows people, `batch` comes and goes."""

    TRAINING = "training"
    INFERENCE = "inference"
    BATCH = "batch"


@dataclass(frozen=True)
class DemoGpu:
    """One GPU of a host. `warm` is how many kelvins it is hotter than its neighbours at full power."""

    host: str
    index: int
    model: str
    limit_watts: float
    memory_bytes: float
    work: Work
    idle_watts: float = 32.0
    warm: float = 0.0

    @property
    def uuid(self) -> str:
        """As the driver writes it; always the same."""
        return f"GPU-{uuid5(NAMESPACE_DNS, self._seed)}"

    def load(self, when: float) -> float:
        """How much of the GPU is used, 0 to 1."""
        base = self._inference(when) if self.work is Work.INFERENCE else self._jobs(when)
        return min(1.0, max(0.0, base * (1 + noise(when, self._seed, 0.04, 45.0))))

    def watts(self, when: float) -> float:
        """Power of the board, from idle to its limit."""
        return self.idle_watts + (self.limit_watts - self.idle_watts) * self.load(when)

    def celsius(self, when: float) -> float:
        """Temperature: follows the power of the last minutes, and the room."""
        used = sum(self.load(when - ago) for ago in (0.0, 60.0, 120.0)) / 3
        return 34 + daily(when, 0, 4, peak_hour=16) + (38 + self.warm) * used

    def memory_used_bytes(self, when: float) -> float:
        """Memory that its work has taken: a model that is loaded stays."""
        share = 0.72 if self.work is Work.INFERENCE else 0.02 + 0.88 * min(1.0, 1.5 * self._jobs(when))
        return self.memory_bytes * share

    @property
    def _seed(self) -> str:
        return f"{self.host}/{self.index}.demo"

    def _inference(self, when: float) -> float:
        return daily(when, 0.05, 0.85, peak_hour=17, weekend=0.6) * (1 + noise(when, f"{self._seed} users", 0.25, 400))

    def _jobs(self, when: float) -> float:
        """The job of this time, with a ramp from the one before."""
        training = self.work is Work.TRAINING
        choices, period = (TRAINING, 5 * HOUR) if training else (BATCH, 0.75 * HOUR)
        shifted = when + self.index * 0.37 * period  # not all at once
        now, before = (pick(choices, at, self._seed, period) for at in (shifted, shifted - period))
        return before + (now - before) * min(1.0, shifted % period / RAMP)


def _gpus(host: str, model: str, limit: float, gib: int, *works: Work) -> tuple[DemoGpu, ...]:
    memory = float(gib << 30)
    return tuple(
        DemoGpu(host, index, model, limit, memory, work, warm=9.0 if index == 1 else 2.0 * index)
        for index, work in enumerate(works)
    )


RACK, SECOND, THIRD = "rack-1", "gpu-a", "gpu-b"
GPUS: tuple[DemoGpu, ...] = (
    *_gpus(RACK, "Simulated RTX 4000", 130.0, 20, Work.INFERENCE, Work.BATCH),
    *_gpus(SECOND, "Simulated A100", 300.0, 80, Work.TRAINING, Work.TRAINING, Work.TRAINING, Work.INFERENCE),
    *_gpus(THIRD, "Simulated L40S", 350.0, 48, Work.INFERENCE, Work.TRAINING),
)
HOST_DOWN = "gpu-c"  # a host that nobody reaches
