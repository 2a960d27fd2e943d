"""A store over HTTP, for reading: what `miden store serve` runs and `miden.store.providers.http` asks.

Needs the extra ``miden[server]``. Every body is verified before it is sent, whatever happened on the disk. An object never
changes under its id, which is its entity tag, so caches may keep it for ever; conditional requests and ranges work.

    GET  /v1/objects/KEY       the bytes of an object; HEAD too
    POST /v1/objects           keys, 36 bytes each -> the objects there are, framed (`miden.store.providers.http`)
    POST /v1/contains          keys -> the keys there are
    GET  /v1/keys?after=KEY    a page of keys, sorted
    GET  /v1/stat              counts, as JSON
    GET  /healthz, /metrics    for those who watch

Errors are JSON: ``{"error": {"kind": ..., "message": ...}}``.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right

from miden.errors import BackendError, FormatError, InputError, IntegrityError, MidenError, NotFoundError, StorageError
from miden.store.cache import Loaded, make_cache
from miden.store.envelope import object_id
from miden.store.keys import KEY_SIZE, ObjectKey
from miden.store.provider import ProviderStat
from miden.store.providers.http import MAX_KEYS, frame
from miden.store.serving import body_parts

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route
except ImportError as error:
    raise BackendError("serving a store needs starlette", kind="MissingServer", hint="pip install 'miden[server]'") from error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from miden.store.cache import Cache
    from miden.store.store import ObjectStore

DEFAULT_CACHE = 64 * 2**20
PAGE = 1000
"""Keys in a page."""

MAX_ANSWER = 64 * 2**20
"""Bytes of objects in one answer to many keys; the rest is left out, and asked for again."""

FOREVER = "public, max-age=31536000, immutable"
BRIEF = "no-store"

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)

_STATUS: tuple[tuple[type[MidenError], int], ...] = (
    (NotFoundError, 404),
    (IntegrityError, 503),  # damaged here and found nowhere else: it may come back
    (StorageError, 503),
    (InputError, 400),
    (FormatError, 400),
)


class StoreServer:
    """The answers to requests: an ASGI application is its `app`.

    Parameters
    ----------
    store
        What is served.
    cache_bytes
        Bytes of verified objects that are kept in memory.
    max_requests
        Requests that may be in work at once; one more is answered with 503 and asked to come again.
    """

    def __init__(self, store: ObjectStore, *, cache_bytes: int = DEFAULT_CACHE, max_requests: int = 256) -> None:
        self.store = store
        self.cache: Cache[ObjectKey, tuple[bytes, str]] = make_cache("arc", cache_bytes)
        self.metrics = _Metrics(self)
        routes = [
            Route("/v1/objects/{key}", self.get_object, methods=["GET"]),  # HEAD comes with it
            Route("/v1/objects", self.get_objects, methods=["POST"]),
            Route("/v1/contains", self.contains, methods=["POST"]),
            Route("/v1/keys", self.keys, methods=["GET"]),
            Route("/v1/stat", self.stat, methods=["GET"]),
            Route("/healthz", self.health, methods=["GET"]),
            Route("/metrics", self.metrics.answer, methods=["GET"]),
        ]
        handlers: Mapping[Any, Callable[[Request, Exception], Response]] = {
            MidenError: _answer_error,
            HTTPException: _answer_http_error,
            Exception: _answer_surprise,
        }
        self.app: ASGIApp = _Gate(Starlette(routes=routes, exception_handlers=handlers), self.metrics, max_requests)

    # -- answers; those that read the store run in threads

    async def get_object(self, request: Request) -> Response:
        """Answer with the bytes of an object, or what the headers ask of them."""
        key = ObjectKey.parse(request.path_params["key"])
        data, tag = self._object(key) if key in self.cache else await run_in_threadpool(self._object, key)
        headers = {"etag": tag, "cache-control": FOREVER, "accept-ranges": "bytes", "x-content-type-options": "nosniff"}
        if _matches(request.headers.get("if-none-match"), tag):
            return Response(status_code=304, headers=headers)
        asked = request.headers.get("range")
        if asked is not None and request.headers.get("if-range") in (None, tag):
            part = _range(asked, len(data))
            if part is not None:
                start, end = part
                if start >= end:
                    headers = {"content-range": f"bytes */{len(data)}", "cache-control": BRIEF}
                    return _error(416, "RangeNotSatisfiable", f"the object has {len(data)} bytes", headers)
                headers["content-range"] = f"bytes {start}-{end - 1}/{len(data)}"
                return Response(data[start:end], 206, headers, "application/octet-stream")
        return Response(data, 200, headers, "application/octet-stream")

    async def get_objects(self, request: Request) -> Response:
        """Answer with all objects of a list of keys, each once."""
        keys = await _body_keys(request)
        return await run_in_threadpool(self._objects, keys)

    def _objects(self, keys: list[ObjectKey]) -> Response:
        found: dict[str, tuple[list[ObjectKey], bytes]] = {}
        size = 0
        for key in keys:
            try:
                data, tag = self._object(key)
            except (NotFoundError, IntegrityError, StorageError):
                continue
            if tag not in found:
                if size and size + len(data) > MAX_ANSWER:
                    break
                size += len(data)
            found.setdefault(tag, ([], data))[0].append(key)
        body = b"".join(frame(its_keys, data) for its_keys, data in found.values())
        return Response(body, 200, {"cache-control": BRIEF}, "application/octet-stream")

    async def contains(self, request: Request) -> Response:
        """Answer with those keys of a list that there are."""
        keys = await _body_keys(request)
        found = await run_in_threadpool(lambda: [key for key in keys if self.store.contains(key)])
        return Response(b"".join(map(ObjectKey.to_bytes, found)), 200, {"cache-control": BRIEF}, "application/octet-stream")

    def keys(self, request: Request) -> Response:
        """Answer with a page of keys."""
        keys = sorted(self.store.roots())
        after = request.query_params.get("after")
        start = 0 if after is None else bisect_right(keys, ObjectKey.parse(after))
        body = b"".join(map(ObjectKey.to_bytes, keys[start : start + PAGE]))
        return Response(body, 200, {"cache-control": BRIEF}, "application/octet-stream")

    def stat(self, request: Request) -> Response:
        """Answer with counts over the local providers."""
        local = {provider.name for provider in self.store.chain.providers if provider.local}
        stats = [stat for name, stat in self.store.stat().items() if name in local]
        total = ProviderStat(*(sum(numbers) for numbers in zip(*stats, strict=True))) if stats else ProviderStat(0, 0, 0)
        return JSONResponse(total._asdict(), headers={"cache-control": BRIEF})

    def health(self, request: Request) -> Response:
        """Answer that the server works, and the store."""
        self.store.contains(ObjectKey(0, bytes(32)))
        return JSONResponse({"status": "ok"}, headers={"cache-control": BRIEF})

    def _object(self, key: ObjectKey) -> tuple[bytes, str]:
        return self.cache.get_or_load(key, self._load)

    def _load(self, key: ObjectKey) -> Loaded[ObjectKey, tuple[bytes, str]]:
        data = self.store.get_bytes(key)
        return Loaded((data, f'"{object_id(data).hex()}"'), len(data) + 512, (key,))


def _answer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, MidenError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return _error(status, error.kind, error.message, {"retry-after": "5"} if status == 503 else {})


def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, "HttpError", error.detail, error.headers)


def _answer_surprise(_request: Request, _problem: Exception) -> Response:
    return _error(500, "InternalError", "the server made a mistake; its log says more")


def _error(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"kind": kind, "message": message}}, status, {"cache-control": BRIEF, **(headers or {})})


async def _body_keys(request: Request) -> list[ObjectKey]:
    """Read the body of a request, and no more than it may have."""
    body = bytearray()
    async for piece in body_parts(request):
        body += piece
        if len(body) > MAX_KEYS * KEY_SIZE:
            raise HTTPException(413, f"a request has at most {MAX_KEYS} keys")
    if len(body) % KEY_SIZE:
        raise InputError(f"keys have {KEY_SIZE} bytes each, found {len(body)} in all", kind="InvalidRoot")
    keys = [ObjectKey.from_bytes(bytes(body[at : at + KEY_SIZE])) for at in range(0, len(body), KEY_SIZE)]
    for key in keys:
        key.check()
    return keys


def _matches(header: str | None, tag: str) -> bool:
    """Tell whether a list of entity tags has one of ours: a weak one will do."""
    if header is None:
        return False
    return any(part.strip().removeprefix("W/") in ("*", tag) for part in header.split(","))


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return start and end of the one range that is asked for, empty if there is nothing there; None: send everything."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    start = int(match[1])
    if match[2] and int(match[2]) < start:
        return None
    return min(start, size), min(int(match[2]) + 1, size) if match[2] else size


class _Gate:
    """Counts requests, and lets no more in than can be served."""

    def __init__(self, app: ASGIApp, metrics: _Metrics, most: int) -> None:
        self.app = app
        self.metrics = metrics
        self.most = most
        self.inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500

        async def watch(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.inside += 1
        try:
            if self.inside > self.most:
                answer = _error(503, "Overloaded", "too many requests at once", {"retry-after": "1"})
                await answer(scope, receive, watch)
            else:
                await self.app(scope, receive, watch)
        finally:
            self.inside -= 1
            self.metrics.note(scope["path"], status, time.perf_counter() - begin)


class _Metrics:
    """What Prometheus may ask: requests by kind and status, and the counters of the store and its cache."""

    def __init__(self, server: StoreServer) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Histogram
        except ImportError as error:
            text = "serving a store needs prometheus-client"
            raise BackendError(text, kind="MissingServer", hint="pip install 'miden[server]'") from error
        self._server = server
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._requests = Counter("miden_http_requests", "Requests answered", ["endpoint", "status"], registry=self._registry)
        self._seconds = Histogram("miden_http_seconds", "Time to answer", ["endpoint"], registry=self._registry)

    def note(self, path: str, status: int, seconds: float) -> None:
        """Count a request; the endpoint is one of ours, whatever was asked for."""
        endpoint = next((name for name in _ENDPOINTS if path == name or path.startswith(name + "/")), "other")
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def collect(self) -> Any:
        """Yield what the store counts."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        counters = self._server.store.counters
        for cache, name in ((counters.cache, "forests"), (self._server.cache.counters, "bodies")):
            for field in ("hits", "misses", "loads", "joined", "evictions", "rejected"):
                yield CounterMetricFamily(f"miden_cache_{name}_{field}", f"{field} of the cache of {name}", value=getattr(cache, field))
            for field in ("entries", "bytes"):
                yield GaugeMetricFamily(f"miden_cache_{name}_{field}", f"{field} in the cache of {name}", value=getattr(cache, field))
        fields = next(iter(counters.providers.values()))._fields if counters.providers else ()
        for field in fields:
            family = CounterMetricFamily(f"miden_provider_{field}", f"objects {field}, by provider", labels=["provider"])
            for provider, numbers in counters.providers.items():
                family.add_metric([provider], getattr(numbers, field))
            yield family

    def answer(self, request: Request) -> Response:
        """Answer with all of it."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return Response(generate_latest(self._registry), 200, {"cache-control": BRIEF}, CONTENT_TYPE_LATEST)


_ENDPOINTS = ("/v1/objects", "/v1/contains", "/v1/keys", "/v1/stat", "/healthz", "/metrics")


def make_server(store: ObjectStore, host: str = "127.0.0.1", port: int = 8080, **options: Any) -> Any:
    """Return a `uvicorn.Server` for a store, which `run` starts; options as for `StoreServer`.

    Raises `BackendError` if uvicorn is not installed.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise BackendError("serving a store needs uvicorn", kind="MissingServer", hint="pip install 'miden[server]'") from error
    app = StoreServer(store, **options).app
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        lifespan="off",
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=2**14,
    )
    return uvicorn.Server(config)
