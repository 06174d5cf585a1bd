"""A program nvidia-smi that needs several intervals: with the collector's own threads and clock."""

from __future__ import annotations

import json
import time

import pytest

from collector_core.engine.app import App
from collector_core.exposition.formats import negotiate

INTERVAL = 0.4
ANSWER = 3 * INTERVAL


@pytest.fixture
def running(tmp_path):
    """Starts the collector with these options; returns what it shows, by series."""
    apps = []

    def start(timeout, **options):
        options = {"local": "nvidia-smi", "local_name": "here"} | options
        nvidia = {"interval": f"{INTERVAL}s", "timeout": f"{timeout}s", "options": options}
        (tmp_path / "config.yaml").write_text(json.dumps({"collectors": {"nvidia": nvidia}}))
        app = App(tmp_path / "config.yaml")
        app.load()
        app.start()
        apps.append(app)

        def shown():
            lines = app.exposition.body(negotiate("", "")).decode().splitlines()
            return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

        return shown

    yield start
    for app in apps:
        app.stop()


UP = 'nvidia_host_up{host="here",source="nvidia-smi"}'
POWER = 'nvidia_gpu_power_watts{gpu="0",host="here",uuid="GPU-0"}'
ENERGY = 'nvidia_gpu_energy_joules_total{gpu="0",host="here",uuid="GPU-0"}'
AGE = 'nvidia_host_answer_age_seconds{host="here"}'


def test_one_that_needs_three_intervals_is_shown_when_it_answers_and_stays_with_its_age(running, smi, eventually):
    smi.say(sleep=ANSWER)
    shown = running(60, nvidia_smi=str(smi.folder / "nvidia-smi"))
    eventually(lambda: shown().get(UP) == 1)
    calls, ages = len(smi.calls), []
    while len(smi.calls) < calls + 3:
        now = shown()
        assert (now[UP], now[POWER]) == (1, 100.5)
        ages.append(now[AGE])
        time.sleep(INTERVAL / 4)
    assert max(ages) > INTERVAL
    eventually(lambda: shown()[ENERGY] > 0)
    assert shown()['nvidia_gpu_energy_unknown_gaps_total{gpu="0",host="here",uuid="GPU-0"}'] == 0


def test_the_timeout_is_the_users_word_and_the_reason_says_so(running, smi, eventually, caplog):
    smi.say(sleep=600)
    shown = running(ANSWER, nvidia_smi=str(smi.folder / "nvidia-smi"))
    eventually(lambda: any("no answer within 1.2 s" in message for message in caplog.messages))
    (message,) = [message for message in caplog.messages if "no answer within" in message]
    assert "fix: raise `timeout`" in message
    assert shown().get(UP) != 1


def test_one_whose_first_reading_takes_two_calls_comes_up_within_the_timeout_of_one(running, smi, eventually):
    smi.say(sleep=2.5)  # it is asked for its fields first
    shown = running(4, nvidia_smi=str(smi.folder / "nvidia-smi"))
    eventually(lambda: shown().get(UP) == 1)
    assert [call.split()[1].partition("=")[0] for call in smi.calls[:3]] == ["--help-query-gpu"] + 2 * ["--query-gpu"]
