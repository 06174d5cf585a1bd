"""Options of the output, checked before anything is connected."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from collector_core import ConfigPath, Field, HttpUrl, OutputConfig, SecretStr


class Config(OutputConfig):
    """Options of the output influx."""

    url: HttpUrl = Field(description="Address of the server, e.g. `http://localhost:8086`.")
    version: Literal[1, 2, 3] = Field(2, description="Of InfluxDB; others that take line protocol say theirs.")
    database: str | None = Field(None, min_length=1, description="Database, with version 1 or 3.")
    bucket: str | None = Field(None, min_length=1, description="Bucket, with version 2.")
    org: str | None = Field(None, min_length=1, description="Organisation, with version 2.")
    token: SecretStr | None = Field(None, description="Token, as `{$env: NAME}` or `{$file: PATH}`.")
    username: str | None = Field(None, description="User, with version 1.")
    password: SecretStr | None = Field(None, description="Its password, as `{$env: NAME}` or `{$file: PATH}`.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that the server's is verified with.")

    @model_validator(mode="after")
    def _place(self) -> Config:
        if self.version == 2 and self.bucket is None:
            raise ValueError("`bucket` is missing: version 2 writes to one")
        if self.version != 2 and self.database is None:
            raise ValueError(f"`database` is missing: version {self.version} writes to one")
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` belong together")
        if self.token is not None and self.username is not None:
            raise ValueError("set either `token`, or `username` and `password`")
        return self
