"""Spans reach a collector, and say nothing that is nobody's business."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.application_under_test import a_store_in, an_api


class Collector(ThreadingHTTPServer):
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def spans(self) -> dict[str, Span]:
        found = {}
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found.update({span.name: span for span in scope.spans})
        return found


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body if self.headers["Content-Encoding"] is None else b"")
        self.server.paths.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def a_collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever)
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


def attributes(span: Span) -> dict[str, object]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_each_request_is_a_span(tmp_path: Path) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with a_collector() as collector, a_store_in(tmp_path) as store:
        store.empty()
        with an_api(store.url, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as api:
            api.get("/api/agents/a-1/config?token=secret", headers={"traceparent": parent})
            api.get("/nowhere/secret")
        spans = collector.spans()

    assert set(collector.paths) == {"/v1/traces"}
    assert set(spans) == {"GET /api/agents/{agent_id}/config", "GET"}
    asked = spans["GET /api/agents/{agent_id}/config"]
    assert attributes(asked) == {
        "http.route": "/api/agents/{agent_id}/config",
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "spot_optimizer.agent_id": "a-1",
    }
    assert asked.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert asked.parent_span_id.hex() == "b7ad6b7169203331"
    assert b"secret" not in b"".join(collector.bodies)


def test_a_collector_that_is_away_costs_no_request(tmp_path: Path) -> None:
    with a_store_in(tmp_path) as store:
        store.empty()
        with an_api(store.url, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1") as api:
            assert api.get("/livez").status_code == 200
