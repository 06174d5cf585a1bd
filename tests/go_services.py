"""Newer servers than Debian has, built from Go modules, in minutes: `python -m tests.go_services build`, by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.services import cache_folder

BUILD_SECONDS = 3600
INSTALLED = {  # by `go install`; options of the build, and the module
    "prometheus": ("-tags=remove_all_sd", "github.com/prometheus/prometheus/cmd/prometheus@v0.316.0"),
    "victoria-metrics": ("", "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@v1.151.0"),
}
# An OpenTelemetry Collector of what is needed here, by the builder that its project has for that.
BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.165.0"
OTELCOL = """
dist: {name: otelcol, module: otelcol, output_path: build}
receivers: [{gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.165.0}]
exporters: [{gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v0.165.0}]
providers: [{gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v1.71.0}]
conf_resolver: {default_uri_scheme: file}
"""


def folder() -> Path:
    """Where the programs are."""
    return cache_folder("go")


def newest(name: str) -> str:
    """The path of a program; skips where it has not been built."""
    path = folder() / name
    if not path.exists():
        pytest.skip(f"{name} of its Go module has not been built: python -m tests.go_services build")
    return str(path)


def build() -> None:
    """Build those that are missing; needs no rights."""
    go = shutil.which("go")
    if go is None:
        sys.exit("go is not installed")
    folder().mkdir(parents=True, exist_ok=True)
    for name, (option, module) in INSTALLED.items():
        if not (folder() / name).exists():
            _run(go, "install", *filter(None, [option]), module, cwd=folder())
    if not (folder() / "otelcol").exists():
        with tempfile.TemporaryDirectory() as place:
            Path(place, "builder.yaml").write_text(OTELCOL, encoding="utf-8")
            _run(go, "run", BUILDER, "--config=builder.yaml", cwd=Path(place))
            shutil.move(Path(place, "build/otelcol"), folder() / "otelcol")


def _run(*command: str, cwd: Path) -> None:
    environment = os.environ | {"GOBIN": str(folder()), "GOFLAGS": "-p=1", "GOTOOLCHAIN": "local"}
    subprocess.run(command, check=True, cwd=cwd, env=environment, timeout=BUILD_SECONDS)


if __name__ == "__main__":
    if sys.argv[1:] != ["build"]:
        sys.exit("usage: python -m tests.go_services build")
    build()
