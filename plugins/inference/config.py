"""Options of the inference plugin."""

from __future__ import annotations

import ipaddress
from collections import Counter as Tally
from enum import StrEnum
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from collector_core import CollectorConfig, Duration, Field, Options, PushOptions, SecretStr
from collector_plugins.inference.mapping import Mapping, shipped


class ServerKind(StrEnum):
    """What a server is, and so what its metrics are called."""

    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMACPP = "llamacpp"
    TENSORRT_LLM = "tensorrt_llm"
    TRITON = "triton"
    TGI = "tgi"
    OLLAMA = "ollama"
    PROMETHEUS = "prometheus"
    PUSH = "push"


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address such as http://127.0.0.1:8000/metrics")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password: use `token`")
    return url if parts.path.strip("/") or parts.query else f"{url.rstrip('/')}/metrics"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


MAX_PAGE_MIB = 64

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Text = Annotated[str, Field(max_length=200)]
Url = Annotated[str, Field(max_length=2000), AfterValidator(_web_address)]


class Server(Options):
    """One model server, or one program that pushes."""

    name: Name = Field(description="The label `server`, the name to push to, and the model's fallback name.")
    source: ServerKind = Field(
        description="vllm, sglang, llamacpp, tensorrt_llm, triton, tgi, ollama (an exporter), prometheus (with "
        "`mapping`) or push."
    )
    url: Url | None = Field(None, description="URL of its metrics; without a path, the usual one is appended.")
    token: SecretStr | None = Field(None, description="Bearer token that it requires; https outside loopback.")
    mapping: Mapping | None = Field(None, description="Which sample provides which reading, for `source: prometheus`.")
    model: Text = Field("", description="The label `model`; by default as the server reports, else `name`.")
    models: tuple[Text, ...] = Field(("*",), min_length=1, description="Patterns: which of its models are published.")
    type: Text = Field("", description="What the model is, e.g. llm; for inference_info.")
    quantization: Text = Field("", description="How it is quantised, e.g. awq; for inference_info.")
    acceleration: Text = Field("", description="What it runs on, e.g. cuda; for inference_info.")
    local: bool | None = Field(None, description="Whether it runs on this machine's GPUs; by default by its address.")
    gpus: tuple[Text, ...] = Field(("*",), description="Patterns: which of this machine's GPUs (UUID) are its own.")
    timeout: Duration | None = Field(None, description="How long to wait for it; at most 0.8 of the collector's.")

    @model_validator(mode="before")
    @classmethod
    def _with_path(cls, given: Any) -> Any:
        """trtllm-serve has its page in a place of its own."""
        url = given.get("url") if isinstance(given, dict) and given.get("source") == ServerKind.TENSORRT_LLM else None
        if not isinstance(url, str) or urlsplit(url).path.strip("/") or urlsplit(url).query:
            return given
        return given | {"url": f"{url.rstrip('/')}/prometheus/metrics"}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.source is ServerKind.PUSH) is not (self.url is None):
            raise ValueError("push has no `url`: it is sent" if self.url else "`url` is missing")
        if (self.source is ServerKind.PROMETHEUS) is (self.mapping is None or self.mapping.is_empty):
            raise ValueError("`mapping` belongs to `source: prometheus`, and names at least one sample there")
        parts = urlsplit(self.url or "")
        if self.token and parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
            raise ValueError("`url` must begin with https://, because the token goes there")
        return self

    @property
    def known_mapping(self) -> Mapping:
        """The user's mapping, or that of the kind of server."""
        return self.mapping or shipped(self.source)

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine: as configured, else whether its address is loopback."""
        return _is_loopback(urlsplit(self.url or "").hostname or "") if self.local is None else self.local


class Config(CollectorConfig):
    """Options of the inference plugin."""

    servers: tuple[Server, ...] = Field((), description="Model servers to read, and programs that push; see below.")
    max_layers: int = Field(64, ge=0, le=1000, description="Maximum number of layers published per model.")
    max_page_mib: int = Field(
        MAX_PAGE_MIB, ge=1, le=4096, description="Longest page of metrics that is read, in MiB; it takes no memory."
    )
    push: PushOptions = Field(default_factory=PushOptions, description="Who may push, and how long a push is valid.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        twice = [name for name, times in Tally(server.name for server in self.servers).items() if times > 1]
        if twice:
            raise ValueError(f"two servers are called {twice[0]!r}; give them different names")
        return self
