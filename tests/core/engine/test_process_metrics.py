"""The figures of this process carry prometheus_client's names and agree with it."""

import time

import pytest
from prometheus_client import PlatformCollector, ProcessCollector

from collector_core.engine.process_metrics import ProcessMetrics
from collector_core.exposition.sources import Exposition
from collector_core.model.clock import SystemClock


def samples(families):
    return {sample.name: (sample.labels, sample.value) for family in families for sample in family.samples}


def test_the_figures_agree_with_prometheus_client():
    exposition = Exposition(SystemClock())
    ProcessMetrics(exposition, SystemClock()).tick(0.0)
    ours = samples(exposition.collect())
    theirs = samples([*ProcessCollector(registry=None).collect(), *PlatformCollector(registry=None).collect()])
    assert ours.keys() == theirs.keys()
    assert ours["process_max_fds"] == theirs["process_max_fds"]
    assert ours["python_info"] == theirs["python_info"]
    assert ours["process_resident_memory_bytes"][1] == pytest.approx(
        theirs["process_resident_memory_bytes"][1], rel=0.2
    )
    assert ours["process_cpu_seconds_total"][1] == pytest.approx(theirs["process_cpu_seconds_total"][1], abs=0.5)
    assert ours["process_start_time_seconds"][1] <= time.time()


def test_it_is_due_every_five_seconds():
    metrics = ProcessMetrics(Exposition(SystemClock()), SystemClock())
    assert metrics.tick(101.0) == 105.0
    assert metrics.tick(105.0) == 110.0
