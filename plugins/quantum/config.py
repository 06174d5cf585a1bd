"""Options of the quantum plugin."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import field_validator

from collector_core import CollectorConfig, Duration, Field, PushOptions
from collector_plugins.quantum.randomsource import is_address
from collector_plugins.quantum.security import strengths
from collector_plugins.quantum.suites import PostQuantum


class Config(CollectorConfig):
    """Options of the quantum plugin."""

    measure_every: Duration = Field(600, description="Period of the measurements; pushes are published at every run.")
    cpu_budget_seconds: float = Field(
        1.0, ge=0.01, le=10, allow_inf_nan=False, description="CPU time of one measurement, shared evenly by all tasks."
    )
    post_quantum: tuple[PostQuantum, ...] = Field(
        (PostQuantum.ML_KEM_768, PostQuantum.ML_DSA_65),
        max_length=6,
        description="ML-KEM-768, ML-KEM-1024, ML-DSA-44, … to compare with X25519 and Ed25519.",
    )
    random_source: str | None = Field(
        "/dev/hwrng", max_length=2000, description="A device, a file or an http(s) address; null: none."
    )
    random_bytes: int = Field(
        8192, ge=1, le=16 << 20, description="Maximum number of bytes to read from it, in up to 3 s."
    )
    algorithms: tuple[str, ...] = Field(
        (),
        max_length=100,
        description="Algorithms your systems use, for quantum_security_level; default: those measured.",
    )
    min_classical_bits: int = Field(
        112, ge=0, le=512, description="An algorithm of `algorithms` with less strength is found `weak_algorithm`."
    )
    min_quantum_bits: int = Field(
        64, ge=0, le=512, description="One with less against quantum computers is found `quantum_vulnerable`."
    )
    max_overhead_ratio: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="A post-quantum algorithm above is found `slow_algorithm`."
    )
    min_random_bytes_per_second: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="A random source below, or one that is configured and fails, is found `random_source`.",
    )
    min_gate_fidelity_ratio: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="A simulation below is found `low_fidelity`."
    )
    push: PushOptions | None = Field(
        default_factory=PushOptions, description="Who may push simulations, and how long a push is valid; null: nobody."
    )

    @field_validator("post_quantum", "algorithms")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    @field_validator("algorithms")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = strengths()
        for name in names:
            if name not in known:
                raise ValueError(f"no strength is known for {name!r}; known are {', '.join(known)}")
        return names

    @field_validator("random_source")
    @classmethod
    def _readable(cls, source: str | None) -> str | None:
        if source is None or source.startswith("/"):
            return source
        parts = urlsplit(source)
        if not is_address(source) or not parts.hostname:
            raise ValueError("must be an absolute path, or begin with http:// or https://")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold a user or a password")
        return source
