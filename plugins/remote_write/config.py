"""Options of the output, checked before anything is connected."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from collector_core import ConfigPath, Field, HttpUrl, OutputConfig, SecretStr


class Config(OutputConfig):
    """Options of the output remote_write."""

    url: HttpUrl = Field(description="Where to write, e.g. `http://localhost:9090/api/v1/write`.")
    version: Literal["1.0", "2.0"] = Field(
        "1.0", description="Of the protocol; a receiver that does not know 2.0 gets 1.0."
    )
    bearer_token: SecretStr | None = Field(None, description="Token, as `{$env: NAME}` or `{$file: PATH}`.")
    username: str | None = Field(None, description="User, for receivers that ask for a password.")
    password: SecretStr | None = Field(None, description="Its password, as `{$env: NAME}` or `{$file: PATH}`.")
    headers: dict[str, SecretStr] = Field({}, description="Further headers, e.g. `{X-Scope-OrgID: home}`.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that the receiver's is verified with.")

    @model_validator(mode="after")
    def _one_login(self) -> Config:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` belong together")
        if self.bearer_token is not None and self.username is not None:
            raise ValueError("set either `bearer_token`, or `username` and `password`")
        return self
