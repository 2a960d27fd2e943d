"""Running a server: connections that are too slow or too many are closed, whatever they are in the middle of."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from contextlib import contextmanager
from threading import Thread

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from miden.registry.server.app import Settings, create_app

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Any

    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    from miden.registry.server.catalog import Catalog
    from miden.registry.server.metrics import Metrics

HEAD_BYTES = 16 * 1024
"""Bytes of the head of a request."""


class Limits:
    """Bounds on connections.

    Attributes
    ----------
    connections, connections_each
        How many there may be in all, and from one address.
    head_seconds
        Seconds until the head of a request is there.
    request_seconds
        Seconds until it is answered whole, the time that a client takes to read included.
    idle_seconds
        Seconds that a connection may be unused.
    """

    __slots__ = ("connections", "connections_each", "head_seconds", "idle_seconds", "request_seconds")

    def __init__(
        self,
        *,
        connections: int = 1024,
        connections_each: int = 256,
        head_seconds: float = 10,
        request_seconds: float = 300,
        idle_seconds: int = 15,
    ) -> None:
        self.connections = connections
        self.connections_each = connections_each
        self.head_seconds = head_seconds
        self.request_seconds = request_seconds
        self.idle_seconds = idle_seconds


def guarded_protocol(limits: Limits) -> type[H11Protocol]:
    """Return the protocol of connections with these bounds."""
    counts: Counter[str] = Counter()
    total = [0]

    class GuardedProtocol(H11Protocol):
        _timer: asyncio.TimerHandle | None = None
        _host: str | None = None
        _answering = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            # asyncio does this only for sockets that it made; without it an answer of two writes waits 40 ms for the client.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host = self.client[0] if self.client else ""
            if total[0] >= limits.connections or counts[host] >= limits.connections_each:
                body = json.dumps({"error": {"kind": "TooManyConnections", "message": "too many connections"}}).encode()
                head = f"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
                transport.write(f"{head}retry-after: 5\r\nconnection: close\r\n\r\n".encode() + body)
                transport.close()
                return
            self._host = host
            counts[host] += 1
            total[0] += 1
            self._arm(limits.head_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            if self._host is not None:
                total[0] -= 1
                counts[self._host] -= 1
                if not counts[self._host]:
                    del counts[self._host]
                self._host = None
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)
            cycle: RequestResponseCycle | None = self.cycle
            answering = cycle is not None and not cycle.response_complete
            if answering and not self._answering:
                self._arm(limits.request_seconds)
            self._answering = answering

        def on_response_complete(self) -> None:
            self._answering = False
            self._arm(max(limits.head_seconds, limits.idle_seconds))
            super().on_response_complete()

        def _arm(self, seconds: float) -> None:
            self._disarm()
            self._timer = self.loop.call_later(seconds, self.transport.abort)

        def _disarm(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return GuardedProtocol


def make_server(
    catalog: Catalog,
    *,
    host: str = "127.0.0.1",
    port: int = 8484,
    settings: Settings | None = None,
    limits: Limits | None = None,
    metrics: Metrics | None = None,
    certificate: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
    log_level: str = "warning",
    grace: int = 5,
) -> uvicorn.Server:
    """Return a server that is ready to run; when it is stopped, requests have `grace` seconds to be done."""
    limits = Limits() if limits is None else limits
    config = uvicorn.Config(
        create_app(catalog, settings, metrics),
        host=host,
        port=port,
        http=guarded_protocol(limits),
        loop="asyncio",
        ws="none",
        lifespan="off",
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=grace,
        h11_max_incomplete_event_size=HEAD_BYTES,
        backlog=1024,
        access_log=False,
        log_level=log_level,
        proxy_headers=False,
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    return uvicorn.Server(config)


@contextmanager
def serving(
    catalog: Catalog,
    *,
    settings: Settings | None = None,
    limits: Limits | None = None,
    metrics: Metrics | None = None,
    certificate: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
) -> Iterator[str]:
    """Serve a catalog on a free port of this machine while the block runs; its URL is yielded."""
    more: dict[str, Any] = {"certificate": certificate, "key": key, "log_level": "critical", "grace": 1}
    server = make_server(catalog, settings=settings, limits=limits, metrics=metrics, **more)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    thread = Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
