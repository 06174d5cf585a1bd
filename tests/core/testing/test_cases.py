"""A folder is a test: found by glob, run on a copy, compared with its golden file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from collector_core import AuthFailed, Collector, CollectorConfig, Field, Gauge, NotAvailable, Unit
from collector_core.testing import Golden, cases, run_case

VALUE = Gauge("probe_value", "A number.", labels=("source",))


class Config(CollectorConfig):
    sources: list[str] = Field(["a"], description="Files.")


class Probe(Collector[Config]):
    """Reads numbers of files and says how long it has been running."""

    name, metrics, config_type = "probe", (VALUE, Gauge("probe_age_seconds", "Age.", Unit.SECONDS)), Config

    def open(self):
        if not self.ctx.path("/proc").exists():
            raise NotAvailable("not_found", f"no {self.ctx.path('/proc')}", fix="mount it")
        if self.ctx.path("/proc/locked").exists():
            raise AuthFailed
        self.started = self.ctx.clock.monotonic()

    def collect(self, out):
        for source in self.config.sources:
            with out.part(source=source):
                out.add(VALUE, float(self.ctx.path(f"/proc/{source}").read_text()), source=source)
        out.add(self.metrics[1], self.ctx.clock.monotonic() - self.started)


@pytest.fixture
def case(tmp_path):
    def write(**files):
        for name, text in files.items():
            file = tmp_path / "testcases/probe-3000" / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (found,) = cases(tmp_path / "testcases")
        return found

    return write


def values(text):
    return [line for line in text.splitlines() if not line.startswith(("# HELP", "# TYPE"))]


def test_cases_are_found_and_named_after_their_folder(case):
    found = case(root__proc__a="1")
    assert str(found) == "probe-3000"
    assert found.expected.name == "expected.prom"


def test_a_folder_without_cases_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="there is no case in"):
        cases(tmp_path)


def test_a_case_gives_its_exposition(case):
    assert values(run_case(Probe, case(root__proc__a="1"))) == ['probe_value{source="a"} 1.0', "probe_age_seconds 0.0"]


def test_options_are_those_of_the_file(case):
    found = case(root__proc__b="2", **{"options.yaml": "sources: [b]"})
    assert values(run_case(Probe, found))[0] == 'probe_value{source="b"} 2.0'


def test_later_trees_are_laid_over_the_first_in_order_and_the_case_stays_as_it_is(case):
    found = case(root__proc__a="1", **{f"root.{number}__proc__a": str(number) for number in (2, 10, 3)})
    assert values(run_case(Probe, found, advance=2)) == ['probe_value{source="a"} 10.0', "probe_age_seconds 6.0"]
    assert values(run_case(Probe, found))[1] == "probe_age_seconds 15.0"  # the default interval
    assert (found.folder / "root/proc/a").read_text() == "1"


def test_programs_of_the_case_are_found_first(case):
    class Which(Probe):
        def collect(self, out):
            found = shutil.which("env")
            raise NotAvailable("not_found", found and Path(found).read_text())

    found = case(root__proc__a="1", root__usr__bin__env="#!/bin/sh\n# mine")
    (found.folder / "root/usr/bin/env").chmod(0o755)
    before = os.environ["PATH"]
    assert run_case(Which, found).startswith("# not available: not_found: #!/bin/sh\n# mine")
    assert os.environ["PATH"] == before


def test_failed_parts_and_absent_sources_are_part_of_the_text(case):
    assert run_case(Probe, case(root__proc__b="1")).startswith("# failed: source=a: FileNotFoundError\n# HELP")
    assert run_case(Probe, case(root__proc__locked="")) == "# refused: credentials refused\n"


def test_what_is_not_available_says_so_without_naming_the_copy(case):
    assert run_case(Probe, case(root__sys__x="")) == "# not available: not_found: no /proc\n# fix: mount it\n"


def test_a_golden_file_is_compared_and_written_only_when_asked(tmp_path):
    file = tmp_path / "new/expected.prom"
    with pytest.raises(AssertionError, match=r"(?s)pytest --update-golden.*\+a 1"):
        Golden().check("a 1\n", file)
    assert not file.exists()
    Golden(update=True).check("a 1\n", file)
    Golden().check("a 1\n", file)
    with pytest.raises(AssertionError, match=r"(?s)-a 1.*\+a 2"):
        Golden().check("a 2\n", file)


PROJECT = """
from collector_core.testing import Golden

def test_golden(collector_golden, tmp_path):
    assert isinstance(collector_golden, Golden)
    print("update is", collector_golden.update)
"""


@pytest.mark.parametrize("option", [(), ("--update-golden",)])
def test_the_option_and_the_fixture_are_there_in_every_project(tmp_path, option):
    (tmp_path / "test_project.py").write_text(PROJECT)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *option, tmp_path]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
    assert f"update is {bool(option)}" in done.stdout
