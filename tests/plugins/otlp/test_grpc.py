"""gRPC's own server takes what is sent, and what it answers is what happens."""

import socket
import socketserver
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf import any_pb2, duration_pb2
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from collector_core import NotAvailable, Reason, RecordsRefused
from collector_core.wire import bytes_field, text_field
from collector_plugins.otlp import Otlp
from tests.background import free_port
from tests.plugins.workloads.runtime_servers import GrpcAnswers, running
from tests.sample_blocks import ENERGY, POWER, Runs, make_output

grpc = pytest.importorskip("grpc")
METHOD = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


class Receiver:
    """A server that takes requests; `fail` has it answer the next one with a status."""

    def __init__(self, credentials=None, compression=None):
        self.requests, self.metadata, self.response = [], {}, ExportMetricsServiceResponse()
        self._failure = None
        handler = grpc.unary_unary_rpc_method_handler(
            self._export,
            request_deserializer=ExportMetricsServiceRequest.FromString,
            response_serializer=ExportMetricsServiceResponse.SerializeToString,
        )
        service, _, method = METHOD[1:].partition("/")
        self._server = grpc.server(ThreadPoolExecutor(2), compression=compression)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        address = "127.0.0.1:0"  # only there: on `::1` the same port may be somebody else's
        port = (
            self._server.add_secure_port(address, credentials)
            if credentials
            else self._server.add_insecure_port(address)
        )
        self.url = f"https://localhost:{port}" if credentials else f"http://127.0.0.1:{port}"
        self._server.start()

    def fail(self, code, words="", details=b""):
        self._failure = code, words, details

    def _export(self, request, context):
        self.metadata = dict(context.invocation_metadata())
        if self._failure is not None:
            code, words, details = self._failure
            context.set_trailing_metadata([("grpc-status-details-bin", details)] if details else [])
            context.abort(code, words)
        self.requests.append(request)
        return self.response

    def close(self):
        self._server.stop(None).wait(60)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def grpc_output(url, **options):
    return make_output(Otlp, **{"timeout": 60.0, "url": url, "protocol": "grpc", **options})


def payloads(made, *times, plugs=1):
    runs, values = Runs(), {(POWER, f"{plug}"): plug for plug in range(plugs)} | {(ENERGY, "a"): 2.0}
    return [made.encode_block(block) for time in times for block in runs.blocks(time, values)]


def points(requests):
    metrics = [
        metric
        for each in requests
        for of in each.resource_metrics
        for scope in of.scope_metrics
        for metric in scope.metrics
    ]
    return [point.as_double for metric in metrics for point in (*metric.gauge.data_points, *metric.sum.data_points)]


def test_what_is_sent_arrives_however_much_it_is(receiver):
    made = grpc_output(receiver.url, headers={"Api-Key": "k"}, bearer_token="t")
    made.test()
    assert points(receiver.requests) == []
    made.send_payloads(payloads(made, 1, 2), may_repeat=False)
    assert points(receiver.requests) == [0.0, 2.0, 0.0, 2.0]
    assert (receiver.metadata["api-key"], receiver.metadata["authorization"]) == ("k", "Bearer t")
    sent = payloads(made, 3, plugs=20_000)
    assert len(sent[0]) > 65_535  # more than goes before the receiver has said that there is room
    made.send_payloads(sent, may_repeat=False)
    assert len(points(receiver.requests[2:])) == 20_001


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_points_that_are_rejected_are_counted(compression):
    receiver = Receiver(compression=compression)
    receiver.response.partial_success.rejected_data_points = 1
    receiver.response.partial_success.error_message = "too old"
    made = grpc_output(receiver.url)
    with pytest.raises(RecordsRefused, match="too old") as refused:
        made.send_payloads(payloads(made, 1), may_repeat=False)
    receiver.close()
    assert refused.value.count == 1


class SuccessWithoutMessage(GrpcAnswers):
    """Takes every request, and answers with trailers only."""

    def answer(self, connection, stream, method):
        self.server.requests.append(method)
        head = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "0")]
        connection.send_headers(stream, head, end_stream=True)


def test_what_is_taken_does_not_go_again_because_its_answer_cannot_be_read():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), SuccessWithoutMessage)
    server.requests = []
    with running(server):
        made = grpc_output(f"http://127.0.0.1:{server.server_address[1]}")
        made.send_payloads(payloads(made, 1), may_repeat=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "UNAUTHENTICATED", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"])
def test_a_final_status_refuses_the_batch(receiver, code):
    receiver.fail(grpc.StatusCode[code], "not so")
    made = grpc_output(receiver.url)
    with pytest.raises(RecordsRefused, match="not so") as refused:
        made.send_payloads(payloads(made, 1), may_repeat=False)
    assert refused.value.count is None


@pytest.mark.parametrize(("code", "pause"), [("UNAVAILABLE", None), ("RESOURCE_EXHAUSTED", 2.5)])
def test_a_status_that_passes_has_the_batch_sent_again_when_the_receiver_says(receiver, code, pause):
    info = any_pb2.Any(type_url="type.googleapis.com/google.rpc.RetryInfo")
    info.value = bytes_field(1, duration_pb2.Duration(seconds=2, nanos=500_000_000).SerializeToString())
    details = b"" if pause is None else text_field(2, "later") + bytes_field(3, info.SerializeToString())
    receiver.fail(grpc.StatusCode[code], "later", details)
    made = grpc_output(receiver.url)
    with pytest.raises(NotAvailable, match="later") as failed:
        made.send_payloads(payloads(made, 1), may_repeat=False)
    assert failed.value.retry_after == pause


def test_who_is_away_hangs_or_speaks_something_else_is_said(http_receiver):
    def failure(url, **options):
        with pytest.raises(NotAvailable) as failed:
            grpc_output(url, **options).test()
        return failed.value

    assert failure(f"http://127.0.0.1:{free_port()}").reason is Reason.UNREACHABLE
    assert "[::1]:" in str(failure(f"http://[::1]:{free_port()}"))
    assert failure(http_receiver.url).reason in (Reason.BAD_DATA, Reason.UNREACHABLE)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert failure(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2).reason is Reason.TIMEOUT


def test_certificates_are_verified(certificate):
    files = certificate
    credentials = grpc.ssl_server_credentials([(files.key.read_bytes(), files.cert.read_bytes())])
    receiver = Receiver(credentials)
    grpc_output(receiver.url, ca_file=files.cert).test()
    with pytest.raises(NotAvailable, match="certificate|CERTIFICATE"):
        grpc_output(receiver.url).test()
    with pytest.raises(NotAvailable, match="missing.pem: No such file") as caught:
        grpc_output(receiver.url, ca_file="missing.pem").test()
    assert caught.value.fix == "correct `ca_file`"
    receiver.close()
