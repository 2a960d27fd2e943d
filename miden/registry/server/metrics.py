"""Counters of a server, in the form that Prometheus reads."""

from __future__ import annotations

from miden.registry.extras import require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from starlette.types import Scope

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Requests by method and status, how long they took, and what was published."""

    def __init__(self) -> None:
        prometheus = require("prometheus_client")
        self._registry = prometheus.CollectorRegistry()
        self._prometheus = prometheus
        self.media_type: str = prometheus.CONTENT_TYPE_LATEST
        self.requests = prometheus.Counter("miden_registry_requests", "Requests.", ["method", "status"], registry=self._registry)
        self.seconds = prometheus.Histogram(
            "miden_registry_request_seconds", "Time of a request.", registry=self._registry, buckets=BUCKETS
        )
        self.published = prometheus.Counter("miden_registry_published", "Versions that were published.", registry=self._registry)

    def seen(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request."""
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "other"
        self.requests.labels(method, str(status)).inc()
        self.seconds.observe(seconds)

    def text(self) -> bytes:
        """Return all counters."""
        found: bytes = self._prometheus.generate_latest(self._registry)
        return found
