"""A span for each request, for whoever has an OpenTelemetry collector.

Only imported where one is configured: the libraries are an extra, `spot-optimizer[otel]`.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_TRACES: Final = "/v1/traces"
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Tracing:
    """Sends spans to a collector in the background; one that is away costs spans, not requests."""

    def __init__(self, endpoint: str) -> None:
        name = {"service.name": "spot-optimizer", "service.version": version("spot-optimizer")}
        self._provider = TracerProvider(resource=Resource.create(name))
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + _TRACES, timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("spot_optimizer.http")

    def around(self, app: ASGIApp) -> ASGIApp:
        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
            }
            with self._tracer.start_as_current_span(
                str(scope["method"]),
                context=_PROPAGATOR.extract(headers),
                kind=SpanKind.SERVER,
            ) as span:

                async def send_noting(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        _describe(span, scope, message["status"])
                    await send(message)

                await app(scope, receive, send_noting)

        return traced

    def stop(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()


def _describe(span: Span, scope: HTTPScope, status: int) -> None:
    """By the route's template; the path itself and the query may hold what is nobody's business."""
    route = scope.get("path_template")
    parameters: Mapping[str, object] = scope.get("path_params") or {}
    if route:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", str(route))
    span.set_attribute("http.request.method", str(scope["method"]))
    span.set_attribute("http.response.status_code", status)
    for name in ("agent_id", "client_id", "command_id", "replica_id"):
        if name in parameters:
            span.set_attribute(f"spot_optimizer.{name}", str(parameters[name]))
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))
