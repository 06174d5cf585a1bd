"""The history in PostgreSQL, from outside: the running program, its commands, and what is said when it is away."""

import os
import signal

import pytest

from tests.postgres import PASSWORD, Database

CONFIG = """
    history:
      path: {folder}
      store: {{$env: HISTORY_URL}}
      series: ['site_*']
      flush: 0s
    collectors:
      textfile: {{interval: 200ms, options: {{directories: [{site}]}}}}
    """


@pytest.fixture
def database(postgres_server):
    found = Database(postgres_server)
    found.execute(f"GRANT CREATE ON DATABASE {found.name} TO {found.user}")
    return found


def test_energy_is_exact_over_a_kill_and_an_outage_and_commands_tell_it(
    collector, command, eventually, tmp_path, database, proxy
):
    site, folder = tmp_path / "site", tmp_path / "history"
    site.mkdir()
    environment = {"HISTORY_URL": database.url(proxy.port)}
    text = CONFIG.format(folder=folder, site=site)

    def count(value):
        new = site / "new"
        new.write_text(f"# TYPE site_energy_joules_total counter\nsite_energy_joules_total {value}\n")
        new.rename(site / "site.prom")

    def last(program):
        answer = program.request("/api/v1/history/range?selector=site_energy_joules_total&from=1700000000")
        points = [point for series in answer.json.get("series", []) for point in series["points"]]
        return points[-1][1] if points else None

    count(1000)
    first = collector(text, env=environment)
    eventually(lambda: last(first) == 1000)
    count(1200)
    eventually(lambda: (last(first), first.request("/readyz").text) == (1200, "ok\nhistory: a partition per day\n"))
    proxy.away()
    count(1300)
    eventually(lambda: first.samples().get('collector_history_problems_total{reason="unreachable"}') == 1)
    answer = first.request("/api/v1/history/series")
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    first.signal(signal.SIGKILL)
    first.process.wait()
    proxy.back()
    count(1350)
    second = collector(text, env=environment)
    eventually(lambda: last(second) == 1350)
    assert second.samples()["collector_history_up"] == 1
    assert PASSWORD not in "".join([*first.lines, *second.lines])
    config = tmp_path / "with-database.yaml"
    config.write_text(text)

    def run(*arguments):
        return command("history", *arguments, "--config", config, env={**os.environ, **environment})

    assert "site_energy_joules_total" in run("list").stdout
    refused = run("delete", "site_*")
    assert refused.returncode == 1
    assert "another process" in refused.stderr
    second.stop()
    rises = run("query", "site_*", "--from", "2020-01-01", "--step", "1d", "--fn", "increase").stdout.splitlines()[1:]
    assert sum(float(line.rpartition(",")[2]) for line in rises) == 350
    assert run("verify").returncode == 0
    told = run("backup", tmp_path / "copy")
    assert told.returncode == 1
    assert "pg_dump" in told.stderr
    assert run("export", "site_*", "--output", tmp_path / "all.csv").returncode == 0
    assert run("delete", "site_*").returncode == 0
    assert run("list").stdout == ""
    assert run("import", tmp_path / "all.csv").returncode == 0
    assert "site_energy_joules_total" in run("list").stdout
    assert run("compact").returncode == 0
