"""The daemon and a timer fill a timeline in a real PostgreSQL, whatever happens to either."""

import signal
from pathlib import Path

import pytest

from tests.postgres import PASSWORD

CONFIG = """
collectors:
  textfile: {{interval: 1s, options: {{directories: [{folder}]}}}}
outputs:
  timeline:
    interval: 1s
    batch_wait: 100ms
    options:
      url: {{$env: TIMELINE_URL}}
      events: {{room_celsius: room_temperature}}
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "room.prom").write_text('# TYPE room_celsius gauge\nroom_celsius{room="lab"} 21.5\n')
    return CONFIG.format(folder=tmp_path)


@pytest.fixture
def environment(tmp_path):
    def environment(url):
        return {"TIMELINE_URL": url, "XDG_STATE_HOME": str(tmp_path / "state")}

    return environment


def times(database):
    return [created for (created,) in database.rows("created_at")]


def metric(program, name, **labels):
    text = ",".join(f'{key}="{value}"' for key, value in sorted({"output": "timeline", **labels}.items()))
    return program.samples()[f"collector_output_{name}{{{text}}}"]


def test_the_daemon_writes_a_row_every_interval(collector, postgres, config, environment, eventually):
    postgres.create_table()
    program = collector(config, env=environment(postgres.url()))
    eventually(lambda: len(times(postgres)) >= 4)
    seconds = [int(created.timestamp()) for created in times(postgres)]
    assert seconds == sorted(set(seconds)), "one row of the series for each interval, in order"
    ((event, source, value, metadata, _), *_) = postgres.rows()
    assert (event, source, value, metadata["room"]) == ("room_temperature", "textfile", 21.5, "lab")
    eventually(lambda: metric(program, "up") == 1 and metric(program, "sent_total") >= 4)
    assert program.stop() == 0


def test_nothing_is_lost_or_doubled_while_the_database_is_away_and_the_daemon_is_killed(
    collector,
    postgres,
    proxy,
    config,
    environment,
    eventually,
):
    postgres.create_table()
    proxy.away()
    env = environment(postgres.url(proxy.port))
    program = collector(config, env=env)
    eventually(lambda: metric(program, "queue_bytes") > 0 and metric(program, "oldest_seconds") >= 3)
    assert metric(program, "up") == 0
    assert b"Connection refused" in program.request("/collectors").body
    waiting = metric(program, "queue_bytes")
    program.process.kill()
    program.process.wait()
    again = collector(config, env=env)
    eventually(lambda: metric(again, "queue_bytes") >= waiting)
    proxy.back()
    eventually(lambda: metric(again, "up") == 1 and metric(again, "oldest_seconds") < 3)
    written = times(postgres)
    assert written == sorted(set(written))
    assert len(written) >= 3
    assert [
        int(key)
        for (key,) in postgres.execute(
            "SELECT count(*) FROM unified_timeline GROUP BY metadata->>'key' HAVING count(*) > 1"
        )
    ] == []


FLEET = """
collectors:
  nvidia: {{options: {{local: demo, local_name: bluefin}}}}
  textfile: {{interval: 1s, options: {{directories: [{folder}]}}}}
outputs:
  timeline: {{interval: 1s, options: {{url: {{$env: TIMELINE_URL}}}}}}
"""
BATTERY = """# TYPE solix_battery_charge_ratio gauge
solix_battery_charge_ratio{device="SN1",model="A17C1",name="Cellar"} 0.83
# TYPE solix_grid_import_power_watts gauge
solix_grid_import_power_watts{device="SN1",model="A17C1",name="Cellar"} 300
# TYPE solix_grid_export_power_watts gauge
solix_grid_export_power_watts{device="SN1",model="A17C1",name="Cellar"} 20
"""


def test_the_daemon_and_two_timers_fill_one_table(collector, command, postgres, environment, eventually, tmp_path):
    postgres.create_table()
    (tmp_path / "battery.prom").write_text(BATTERY)
    env = environment(postgres.url())
    program = collector(FLEET.format(folder=tmp_path), env=env)
    eventually(lambda: metric(program, "sent_total") > 0)
    for name in ("nvidia", "textfile"):
        done = command("once", name, "--timeline", "--config", tmp_path / "config.yaml", env=env)
        assert (done.returncode, done.stderr) == (0, "")
    program.stop()
    found = {(event, source): (value, metadata) for event, source, value, metadata, _ in postgres.rows()}
    assert set(found) == {
        ("gpu_power_draw", "gpu_bluefin"),
        ("gpu_temperature", "gpu_bluefin"),
        ("gpu_utilization", "gpu_bluefin"),
        ("cluster_gpu_power_total", "gpu_cluster"),
        ("solix_battery_soc", "solix_SN1"),
        ("solix_grid_power", "solix_SN1"),
    }
    assert found["solix_battery_soc", "solix_SN1"][0] == 83
    assert found["solix_grid_power", "solix_SN1"][0] == 280
    assert found["cluster_gpu_power_total", "gpu_cluster"][1]["nodes_reporting"] == 1
    keys = [metadata["key"] for _, _, _, metadata, _ in postgres.rows()]
    assert len(keys) == len(set(keys))


def test_a_hanging_database_holds_up_neither_collection_nor_the_end(
    collector,
    postgres,
    proxy,
    config,
    environment,
    eventually,
):
    postgres.create_table()
    proxy.frozen = True
    program = collector(config, env=environment(postgres.url(proxy.port)))
    eventually(lambda: metric(program, "queue_bytes") > 0)
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(20) == 0


def test_a_missing_table_is_said_once_with_its_name_and_the_rows_wait(
    collector,
    postgres,
    config,
    environment,
    eventually,
):
    program = collector(config, env=environment(postgres.url()))
    eventually(lambda: metric(program, "queue_bytes") > 0 and metric(program, "oldest_seconds") > 4)
    assert program.log.count('"unified_timeline" does not exist') == 1
    postgres.create_table()
    eventually(lambda: metric(program, "up") == 1)
    eventually(lambda: len(times(postgres)) >= 4)


@pytest.mark.own_interpreter
def test_the_password_is_nowhere(collector, command, postgres, config, environment, eventually, tmp_path):
    literal = config.replace("{$env: TIMELINE_URL}", postgres.url().replace(PASSWORD, PASSWORD + "-wrong"))
    program = collector(literal, "--log-level", "debug", env=environment(""))
    eventually(lambda: "password authentication failed" in program.log)
    shown = [program.request(path).text for path in ("/", "/metrics", "/api/v1/collectors", "/api/v1/snapshot")]
    shown += [Path(f"/proc/{program.pid}/cmdline").read_text()]
    (tmp_path / "literal.yaml").write_text(literal)
    for words in (("outputs", "test", "timeline"), ("check",), ("doctor",), ("once", "--timeline")):
        done = command(*words, "--config", tmp_path / "literal.yaml", env=environment(""))
        shown += [done.stdout, done.stderr]
    program.stop()
    assert PASSWORD not in "\n".join([*shown, program.log])


def test_once_writes_to_the_timeline_alone_and_says_by_its_exit_code_whether_the_rows_are_there(
    command,
    postgres,
    config,
    environment,
    tmp_path,
):
    (tmp_path / "config.yaml").write_text(config)
    once = ("once", "--timeline", "--config", tmp_path / "config.yaml")
    done = command(*once, env=environment(postgres.url()))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"127.0.0.1:{postgres.server.port}/{postgres.name}" in done.stderr
    postgres.create_table()
    done = command(*once, env=environment(postgres.url()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert command(*once, env=environment(postgres.url())).returncode == 0
    assert len(times(postgres)) == 2
    (tmp_path / "bad.prom").write_text("room_celsius what\n")
    incomplete = command(*once, env=environment(postgres.url()))
    assert (incomplete.returncode, len(times(postgres))) == (0, 3), "a timer that has written its rows has not failed"
    assert "bad.prom" in incomplete.stderr
    away = command(*once, env=environment("postgresql://u@127.0.0.1:1/x"))
    assert away.returncode == 1
    assert "127.0.0.1:1/x" in away.stderr
    (tmp_path / "config.yaml").write_text("collectors: {textfile: }\n")
    assert command(*once).returncode == 2


def test_outputs_are_listed_checked_and_tested(command, postgres, config, environment, tmp_path):
    (tmp_path / "config.yaml").write_text(config)
    options = {"env": environment(postgres.url())}
    arguments = ("--config", tmp_path / "config.yaml")
    for words in (("check",), ("outputs", "list")):
        assert "timeline: output timeline, every 1 s" in command(*words, *arguments, **options).stdout
    failed = command("outputs", "test", "timeline", *arguments, **options)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert 'table "unified_timeline" does not exist' in failed.stderr
    doctor = command("doctor", *arguments, **options)
    assert doctor.returncode == 1
    assert "fails   timeline: 127.0.0.1" in doctor.stdout
    postgres.create_table()
    good = command("outputs", "test", "timeline", *arguments, **options)
    assert (good.returncode, good.stdout) == (0, "timeline: ok\n")
    assert "ready   timeline: its receiver answers" in command("doctor", *arguments, **options).stdout
    wrong = command("outputs", "test", "timelin", *arguments, **options)
    assert wrong.returncode == 2
    assert "did you mean 'timeline'?" in wrong.stderr


def test_a_reload_changes_adds_and_removes_outputs(collector, postgres, config, environment, eventually, tmp_path):
    postgres.create_table()
    postgres.create_table("CREATE TABLE second (LIKE unified_timeline)", "second")
    program = collector(config, env=environment(postgres.url()))
    eventually(lambda: times(postgres))
    (tmp_path / "config.yaml").write_text(
        config.replace("    options:\n      url", "    options:\n      table: second\n      url")
    )
    program.signal(signal.SIGHUP)
    eventually(lambda: postgres.rows("1", "second"))
    (tmp_path / "config.yaml").write_text(config.partition("outputs:")[0])
    program.signal(signal.SIGHUP)
    eventually(lambda: not [name for name in program.samples() if name.startswith("collector_output_")])
    assert program.request("/healthz").status == 200
