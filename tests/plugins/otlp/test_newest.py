"""Programs that are not ours understand what is sent: an OpenTelemetry Collector, Prometheus and VictoriaMetrics."""

import contextlib
import gzip
import json
import socket
import time

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from collector_plugins.otlp import Otlp
from tests import go_services
from tests.background import BackgroundServer, free_port
from tests.metric_stores import ask
from tests.sample_blocks import ENERGY, HEAT, POWER, Runs, make_output

VALUES = {(POWER, "a"): 12.5, (ENERGY, "a"): 3600.0, (HEAT, "a"): -4.0}
PATHS = {"newest prometheus": "/api/v1/otlp/v1/metrics", "newest victoria-metrics": "/opentelemetry/v1/metrics"}


def config(http, grpc, target):
    """Of a collector that passes on what it gets, at once."""
    receiver = {"protocols": {"http": {"endpoint": f"127.0.0.1:{http}"}, "grpc": {"endpoint": f"127.0.0.1:{grpc}"}}}
    exporter = {"metrics_endpoint": target, "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
    return {
        "receivers": {"otlp": receiver},
        "exporters": {"otlp_http": exporter},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"metrics": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
        },
    }


@pytest.fixture
def otelcol(http_receiver, tmp_path, eventually):
    """The addresses of an OpenTelemetry Collector that passes on what it gets."""
    program = go_services.newest("otelcol")
    ports = {"http": free_port(), "grpc": free_port()}
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps(config(ports["http"], ports["grpc"], f"{http_receiver.url}/v1/metrics")))
    server = BackgroundServer((program, f"--config={file}"), tmp_path)

    def is_there(port):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True

    eventually(lambda: all(map(is_there, ports.values())))
    yield {"http": f"http://127.0.0.1:{ports['http']}/v1/metrics", "grpc": f"http://127.0.0.1:{ports['grpc']}"}
    server.stop()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_an_opentelemetry_collector_passes_on_what_was_meant(otelcol, http_receiver, protocol):
    made = make_output(Otlp, url=otelcol[protocol], protocol=protocol, timeout=60.0)
    made.test()
    runs = Runs(takes_ends=True)
    payloads = [made.encode_block(block) for block in runs.blocks(1700000000.123, VALUES)]
    payloads += [made.encode_block(block) for block in runs.blocks(1700000001, {(POWER, "a"): 1.0})]
    made.send_payloads(payloads, may_repeat=False)
    made.close()
    passed = [ExportMetricsServiceRequest.FromString(unpacked(posted)) for posted in http_receiver.posted]
    about = [each for request in passed for each in request.resource_metrics]
    assert {pair.key for each in about for pair in each.resource.attributes} == {
        "service.name",
        "service.version",
        "host.name",
    }
    metrics = [metric for each in about for scope in each.scope_metrics for metric in scope.metrics]
    energy, ended = [metric for metric in metrics if metric.name == "probe_energy_joules_total"]
    assert (energy.unit, energy.description, energy.sum.is_monotonic) == ("J", "Energy of a plug.", True)
    (point,) = energy.sum.data_points
    assert (point.as_double, point.time_unix_nano) == (3600.0, 1700000000123000000)
    assert point.start_time_unix_nano > 0
    assert [point.flags for point in ended.sum.data_points] == [1]


def unpacked(posted):
    return gzip.decompress(posted.body) if posted.headers.get("Content-Encoding") == "gzip" else posted.body


@pytest.mark.parametrize("server", list(PATHS))
def test_newest_servers_store_every_sample_under_its_name(server, metric_store, eventually):
    base, _ = metric_store(server)
    now, host = time.time(), f"otlp-{server}"
    made = make_output(Otlp, url=base + PATHS[server])
    made.test()
    runs = Runs(labels={"host": host})
    for second in range(5):
        (block,) = runs.blocks(now + second, VALUES)
        made.send_payloads([made.encode_block(block)], may_repeat=False)
    made.close()

    def stored():
        found = ask(base, f'{{__name__=~"probe_.*",host="{host}"}}[2m]', now + 30)
        return {each["metric"]["__name__"]: [float(value) for _, value in each["values"][-5:]] for each in found}

    wanted = {"probe_power_watts": 12.5, "probe_energy_joules_total": 3600.0, "probe_heat_celsius": -4.0}
    eventually(lambda: stored() == {name: [value] * 5 for name, value in wanted.items()})
