"""Options of the nvidia plugin."""

from __future__ import annotations

from collections import Counter as Tally
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from collector_core import CollectorConfig, Field, Options


class Local(StrEnum):
    """Where the GPUs of this machine are read."""

    AUTO = "auto"
    NVML = "nvml"
    NVIDIA_SMI = "nvidia-smi"
    OFF = "off"
    DEMO = "demo"


def _plain_word(word: str) -> str:
    """What ends up in a command or a log: no option, nothing that a terminal or a shell would act on."""
    if word.startswith("-"):
        raise ValueError("must not begin with -")
    if not word.isprintable() or any(letter.isspace() for letter in word):
        raise ValueError("must be one word of printable characters")
    return word


Word = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_plain_word)]


class Host(Options):
    """A machine whose GPUs are read over ssh."""

    name: Word = Field("", validate_default=False, description="The label `host`; default: the address.")
    address: Word = Field(description="Name or address to connect to.")
    user: Word | None = Field(None, description="User to log in as; default: the user that the collector runs as.")
    port: int = Field(22, ge=1, le=65535, description="Port of the ssh server.")
    identity_file: str | None = Field(
        None, min_length=1, description="Private key; default: the keys in ~/.ssh. Keys of the agent are tried too."
    )
    known_hosts: str = Field("~/.ssh/known_hosts", min_length=1, description="File with the trusted host keys.")
    power_limit_watts: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Limit to compare the power of each GPU with, instead of the driver's.",
    )

    @property
    def label(self) -> str:
        """The host's name in metrics and logs."""
        return self.name or self.address


class Config(CollectorConfig):
    """Options of the nvidia plugin."""

    local: Local = Field(
        Local.AUTO,
        description="This machine's GPUs: auto (NVML, else nvidia-smi, else none), nvml, nvidia-smi, off, or demo: "
        'simulated ones, marked `demo="true"`.',
    )
    local_name: Word | None = Field(None, description="This machine's label `host`; default: its host name.")
    hosts: tuple[Host, ...] = Field((), description="Machines to read over ssh; see below.")
    nvidia_smi: Word = Field("nvidia-smi", description="The program to run, here and on the hosts, or its path.")
    let_gpus_sleep: bool = Field(
        True,
        description="Leave GPUs alone that the kernel has suspended or may suspend; false always reads them, which "
        "wakes them and keeps them awake.",
    )
    processes: bool = Field(
        False, description="Publish the GPU memory of each process, with its name and PID as labels."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.local is Local.OFF and not self.hosts:
            raise ValueError("nothing to read: `local` is off and `hosts` is empty")
        if self.local is Local.DEMO and self.hosts:
            raise ValueError("`local: demo` marks every series as simulated: it cannot be had together with `hosts`")
        labels = Tally(host.label for host in self.hosts)
        labels.update([self.local_name] if self.local_name and self.local is not Local.OFF else [])
        twice = [label for label, times in labels.items() if times > 1]
        if twice:
            raise ValueError(f"two machines are called {twice[0]!r}; give them different names")
        return self
