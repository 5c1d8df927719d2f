"""Everything that this process counts by itself. What the database knows is in `fleet.py`.

Every label has few values, whatever is sent: routes by their templates, methods and reasons from
fixed lists. No id is ever a label.
"""

from collections.abc import Callable
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

PREFIX: Final = "spot_optimizer_"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DECISION_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# From a blink to the two minutes that a notice leaves.
_NOTICE_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_JOB_SECONDS: Final = (0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class Instruments:
    """The counters and histograms of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = self._histogram(
            "http_request_duration_seconds",
            "From the arrival of a request to the end of its answer.",
            ("method", "route", "status"),
            _REQUEST_SECONDS,
        )
        self.decisions = self._counter(
            "decisions", "Advice given to agents, by what keeps or lets them move.", "action reason"
        )
        self.decision_seconds = self._histogram(
            "decision_duration_seconds",
            "How long agents' questions were judged, those that came together as one.",
            (),
            _DECISION_SECONDS,
        )
        self.switches = self._counter("switches", "Switches that agents reported, once each.", "")
        self.signals = self._counter(
            "interruption_signals", "Signs of interruption that were heard, with repeats.", "signal"
        )
        self.answers = self._counter(
            "termination_notices", "Termination notices by what was answered.", "outcome"
        )
        self.notice_seconds = self._histogram(
            "notice_answer_seconds",
            "From the arrival of a termination notice to its answer.",
            (),
            _NOTICE_SECONDS,
        )
        self.failover_seconds = self._histogram(
            "failover_seconds",
            "How long the promotion of a replica took after a termination notice.",
            (),
            _NOTICE_SECONDS,
        )
        self.job_runs = self._counter(
            "job_runs", "Background jobs that were due, by what became of them.", "task outcome"
        )
        self.job_seconds = self._histogram(
            "job_duration_seconds", "How long a background job ran.", ("task",), _JOB_SECONDS
        )
        self.events = self._counter(
            "events", "Rows of the event log, by kind.", "event_type severity"
        )
        self._lock = Lock()
        self._observers: dict[tuple[str, str, int], Callable[[float], None]] = {}

    def request_answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template of a path of the application, never what was asked for."""
        key = method, route, status
        observe = self._observers.get(key) or self._observer(key)
        observe(seconds)

    def _observer(self, key: tuple[str, str, int]) -> Callable[[float], None]:
        method, route, status = key
        known = method if method in _METHODS else "other"
        observe: Callable[[float], None] = self._requests.labels(known, route, str(status)).observe
        if known == method:  # whoever invents methods must not fill the memory
            self._observers[key] = observe
        return observe

    def _counter(self, name: str, help_text: str, labels: str) -> Counter:
        return Counter(PREFIX + name, help_text, labels.split(), registry=self.registry)

    def _histogram(
        self, name: str, help_text: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(PREFIX + name, help_text, labels, registry=self.registry, buckets=buckets)
