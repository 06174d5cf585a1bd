"""OpenTelemetry's own messages read what is sent, and find what /metrics says."""

import gzip
import socket
from dataclasses import replace

import psutil
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from pydantic import ValidationError

from collector_core import RecordsRefused
from collector_plugins.otlp import Otlp
from tests.sample_blocks import ENERGY, HEAT, POWER, Runs, make_output

VALUES = {(POWER, "a"): 12.5, (POWER, "b"): 0.0, (ENERGY, "a"): 3600.0, (HEAT, "a"): -4.0}


@pytest.fixture
def output(http_receiver):
    made = []

    def make(**options):
        made.append(make_output(Otlp, url=f"{http_receiver.url}/v1/metrics", **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def read(body):
    request = ExportMetricsServiceRequest()
    request.ParseFromString(gzip.decompress(body))
    return request


def metrics(body):
    return [metric for each in read(body).resource_metrics for scope in each.scope_metrics for metric in scope.metrics]


def attributes(holder):
    return {each.key: each.value.string_value for each in holder.attributes}


def test_a_request_has_the_resource_and_each_metric_once(output, http_receiver):
    made = output()
    (block,) = Runs(labels={"host": "bluefin"}).blocks(1700000000.1234, VALUES)
    made.send_payloads([made.encode_block(block)], may_repeat=False)
    (posted,) = http_receiver.posted
    assert posted.headers["Content-Type"] == "application/x-protobuf"
    resource = attributes(read(posted.body).resource_metrics[0].resource)
    assert resource["service.name"] == "energy-collector"
    assert resource["host.name"] == socket.gethostname()
    assert resource["service.version"]
    power, energy, heat = metrics(posted.body)
    assert [(each.name, each.unit) for each in (power, energy, heat)] == [
        ("probe_power_watts", "W"),
        ("probe_energy_joules_total", "J"),
        ("probe_heat_celsius", "Cel"),
    ]
    assert power.description == "Power of a plug."
    assert [(attributes(point), point.as_double) for point in power.gauge.data_points] == [
        ({"host": "bluefin", "plug": "a"}, 12.5),
        ({"host": "bluefin", "plug": "b"}, 0.0),
    ]
    assert energy.sum.is_monotonic
    assert energy.sum.aggregation_temporality == 2
    (point,) = energy.sum.data_points
    assert point.time_unix_nano == 1700000000123000000
    assert abs(point.start_time_unix_nano / 1e9 - psutil.Process().create_time()) < 0.01
    assert heat.gauge.data_points[0].as_double == -4


def test_the_counters_of_a_killed_process_did_not_begin_with_this_one(output):
    (block,) = Runs().blocks(1, VALUES)
    (energy,) = [
        each for each in metrics(output().encode_block(replace(block, is_recovered=True))) if each.sum.data_points
    ]
    assert energy.sum.data_points[0].start_time_unix_nano == 0


def test_several_runs_are_one_request(output, http_receiver):
    made, runs = output(), Runs()
    payloads = [made.encode_block(block) for second in (1, 2) for block in runs.blocks(second, VALUES)]
    made.send_payloads(payloads, may_repeat=False)
    (posted,) = http_receiver.posted
    assert [each.name for each in metrics(posted.body)] == 2 * [
        "probe_power_watts",
        "probe_energy_joules_total",
        "probe_heat_celsius",
    ]


def test_a_series_that_is_gone_has_a_point_without_a_value(output):
    made, runs = output(), Runs(takes_ends=True)
    runs.blocks(1, VALUES)
    _, ended = runs.blocks(2, {(POWER, "a"): 1.0})
    found = metrics(made.encode_block(ended))
    points = [point for each in found for point in (*each.gauge.data_points, *each.sum.data_points)]
    assert [(point.flags, point.HasField("as_double"), point.time_unix_nano) for point in points] == 3 * [
        (1, False, 2_000_000_000)
    ]


def test_rises_are_of_the_time_since_the_run_before(output):
    made, runs = output(temporality="delta"), Runs()
    found = []
    for second, joules in ((1, 100.0), (2, 150.0), (3, 20.0)):
        (block,) = runs.blocks(second, {(POWER, "a"): 1.0, (ENERGY, "a"): joules})
        found.append({each.name: each for each in metrics(made.encode_block(block))})
    assert "probe_energy_joules_total" not in found[0]
    sums = [each["probe_energy_joules_total"].sum for each in found[1:]]
    assert [each.aggregation_temporality for each in sums] == [1, 1]
    points = [each.data_points[0] for each in sums]
    assert [(point.as_double, point.start_time_unix_nano, point.time_unix_nano) for point in points] == [
        (50.0, 1_000_000_000, 2_000_000_000),
        (20.0, 2_000_000_000, 3_000_000_000),
    ]


def test_points_that_the_receiver_rejects_are_counted(output, http_receiver):
    response = ExportMetricsServiceResponse()
    response.partial_success.rejected_data_points = 3
    response.partial_success.error_message = "too old"
    http_receiver.answers.append((200, {}, response.SerializeToString()))
    made = output()
    (block,) = Runs().blocks(1, VALUES)
    with pytest.raises(RecordsRefused, match="too old") as refused:
        made.send_payloads([made.encode_block(block)], may_repeat=False)
    assert refused.value.count == 3


def test_an_empty_request_finds_out_whether_anybody_is_there(output, http_receiver):
    output().test()
    assert not read(http_receiver.posted[0].body).resource_metrics


@pytest.mark.parametrize("options", [{"url": "grpc://a"}, {"protocol": "x"}, {"temporality": "both"}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError):
        Otlp.config_type.model_validate({"url": "http://a/v1/metrics"} | options)
