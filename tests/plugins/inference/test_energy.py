"""Joules per request: only from GPUs that are here and serve one model alone."""

from __future__ import annotations

import pytest

from collector_core import Gauge, Published, Readings, Unit
from collector_core.testing import FakeClock, Harness
from collector_plugins.inference import Inference, metrics
from collector_plugins.inference.gpus import LocalGpus
from collector_plugins.nvidia import Nvidia
from tests.plugins.inference.conftest import Gpu, shown
from tests.plugins.inference.modelservers import Triton, Vllm


@pytest.fixture
def here(start, collector_harness):
    """A harness over one local vLLM and GPUs: `here(cards, **options of the server)`."""

    def make(cards, kind=Vllm, **options):
        server = start(kind)
        server.load("llama")
        source = {"name": "here", "source": kind.__name__.lower(), "url": server.url, **options}
        harness = collector_harness(
            Inference, clock=cards[0].clock, energy_meters=lambda: [gpu.meter for gpu in cards], servers=[source]
        )
        harness.run()
        return server, harness

    return make


@pytest.fixture
def clock():
    return FakeClock()


def energy(harness, model="llama"):
    return harness.value(metrics.ENERGY, model=model)


def test_it_is_the_power_of_the_gpus_by_the_requests(here, clock):
    server, harness = here([Gpu(clock, "GPU-1", 300), Gpu(clock, "GPU-2", 100)])
    for _ in range(20):
        server.serve(0.2)
    harness.run(advance=10)
    assert energy(harness) == pytest.approx(400 * 10 / 20)
    assert 'inference_energy_per_request_joules{model="llama"} 200.0' in harness.exposition().splitlines()


def test_only_the_gpus_that_are_its_own_count(here, clock):
    server, harness = here([Gpu(clock, "GPU-1", 300), Gpu(clock, "GPU-2", 100)], gpus=["GPU-2"])
    server.serve(0.2)
    harness.run(advance=10)
    assert energy(harness) == pytest.approx(1000)


def test_it_is_absent_where_nothing_was_served(here, clock):
    _, harness = here([Gpu(clock)])
    harness.run(advance=10)
    assert energy(harness) is None
    assert shown(harness, "llama")["requests_per_second"] == 0


def test_it_is_absent_over_a_gap_of_the_meter(here, clock):
    gpu = Gpu(clock)
    server, harness = here([gpu])
    gpu.gaps += 1
    server.serve(0.2)
    harness.run(advance=10)
    assert energy(harness) is None


def test_it_is_absent_where_the_server_is_elsewhere(here, clock):
    server, harness = here([Gpu(clock)], local=False)
    server.serve(0.2)
    harness.run(advance=10)
    assert energy(harness) is None


def test_two_models_on_the_same_gpus_have_none_while_both_serve(here, clock):
    server, harness = here([Gpu(clock, watts=300)], kind=Triton)
    server.load("bert")
    server.serve(0.1, "llama")
    server.serve(0.1, "bert")
    harness.run(advance=10)
    assert (energy(harness), energy(harness, "bert")) == (None, None)
    server.serve(0.1, "llama")
    harness.run(advance=10)
    assert energy(harness) == pytest.approx(3000), "all of it was drawn for the one that served"


def test_the_load_of_its_gpus_stands_in_where_the_server_tells_none(start, clock, collector_harness):

    nvidia = Harness(Nvidia, clock=clock, local="demo")
    nvidia.run()
    loads = dict(nvidia.snapshot.series(next(m for m in Nvidia.metrics if m.name == "nvidia_gpu_utilization_ratio")))
    uuids = [uuid for _, _, uuid in loads]
    gpus = [Gpu(clock, uuid) for uuid in uuids[:2]]
    server = start(Vllm)
    server.load("llama")
    harness = collector_harness(
        Inference,
        clock=clock,
        energy_meters=lambda: [gpu.meter for gpu in gpus],
        published=lambda: [Published("nvidia", {}, nvidia.snapshot)],
        servers=[{"name": "here", "source": "vllm", "url": server.url}],
    )
    harness.run()
    expected = sum(value for (_, _, uuid), value in loads.items() if uuid in uuids[:2]) / 2
    assert harness.value(metrics.UTILIZATION, model="llama") == pytest.approx(expected)
    nvidia.close()


def test_the_load_of_a_gpu_of_any_plugin_is_found_by_its_device(clock):
    load = Gauge("other_use_ratio", "Use.", Unit.RATIO, ("board", "slot"), topic="load", of="gpu", title="GPU use")
    out = Readings((load,), max_series=10)
    out.add(load, 0.75, board="amd-0", slot="1")
    out.add(load, 0.25, board="amd-1", slot="1")
    meters = [Gpu(clock, device).meter for device in ("amd-0", "amd-1", "1")]
    looked = LocalGpus().read_gpus(meters, [Published("other", {}, out.snapshot())])
    assert [gpu.load for gpu in looked] == [0.75, 0.25, None], "both are in slot 1"


def test_a_model_that_is_served_elsewhere_too_has_none(start, clock, collector_harness):
    """Its requests are those of all servers, the joules only ours."""
    gpu, servers = Gpu(clock), [start(Vllm), start(Vllm)]
    options = [
        {"name": f"s{number}", "source": "vllm", "url": server.url, "local": number == 0}
        for number, server in enumerate(servers)
    ]
    harness = collector_harness(Inference, clock=clock, energy_meters=lambda: [gpu.meter], servers=options)
    for server in servers:
        server.load("llama")
    harness.run()
    servers[0].serve(0.2)
    harness.run(advance=10)
    assert harness.value(metrics.REQUEST_RATE, model="llama") == pytest.approx(0.1)
    assert energy(harness) is None
