"""The HTTP interface of a registry, version 1.

::

    GET  /v1/metadata/N.ROLE.json     signed metadata; timestamp.json without a version
    GET  /v1/targets/PATH             what it signs, with the SHA-256 in the name: index files, the checkpoint of the log
    GET  /v1/files/SHA256             a package
    GET  /v1/index/NAME               the index file of a name as it is now
    GET  /v1/names?after=NAME         names, 10,000 at a time
    GET  /v1/search?q=TEXT            names, highest versions and descriptions
    GET  /v1/provides/0xROOT          entries of packages that export a root
    GET  /v1/log/checkpoint           the log, and its proofs: inclusion?leaf=&size=, consistency?first=&second=, entries?start=&end=
    GET  /v1/signing/NAME             who has to sign for a name
    POST /v1/packages                 publish: u32 length, metadata signed by publishers or nothing, the package
    POST /v1/yank                     u32 length, signed metadata or nothing, {"name", "version", "reason"}

Errors are JSON with a kind. Nothing a client sends is written to a file before it is verified. Slow clients, those that send
too much and those that ask too often are turned away without a thread of ours waiting for them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from miden.errors import FormatError, MidenError
from miden.field import Word
from miden.registry.index import IndexEntry, describe
from miden.registry.names import PackageName
from miden.registry.server import pages
from miden.registry.server.answers import IMMUTABLE, NO_CACHE, Rejected, bytes_answer, error_answer, json_answer, refusal
from miden.registry.server.cache import ByteCache
from miden.registry.server.catalog import MAX_FOUND, Catalog
from miden.registry.server.rates import Rates
from miden.registry.server.tokens import Token, check_allowed, find_token
from miden.registry.trust.entries import index_file
from miden.serde.json_text import Fields, parse_json
from miden.store.serving import body_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from miden.registry.server.metrics import Metrics

NAMES_A_PAGE = 10_000
MAX_PAGES = 500
"""Pages of packages that are kept until something changes: making one reads the whole package."""
MAX_SIGNED = 2**22
RETRY_SECONDS = 60
"""How soon signing is tried again after it failed."""
MAX_REASON = 1000
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
)
log = logging.getLogger("miden.registry")


class Settings:
    """What a server allows.

    Attributes
    ----------
    max_package
        Bytes of a package.
    rate, burst
        Requests a second of one address on average, and at once; 0 for no bound.
    publish_rate, publish_burst
        Changes a second of one token, and at once.
    body_seconds
        Seconds until a request is sent whole, for a small one; a large one gets a second more for every 64 KiB.
    verifying
        Packages that are verified at the same time.
    receiving
        Packages that are received at the same time.
    cache
        Bytes of what never changes that are kept in memory.
    """

    __slots__ = ("body_seconds", "burst", "cache", "max_package", "publish_burst", "publish_rate", "rate", "receiving", "verifying")

    def __init__(
        self,
        *,
        max_package: int = 2**24,
        rate: float = 500,
        burst: float = 5000,
        publish_rate: float = 1,
        publish_burst: float = 100,
        body_seconds: float = 20,
        verifying: int = 2,
        receiving: int = 8,
        cache: int = 2**26,
    ) -> None:
        self.max_package = max_package
        self.rate = rate
        self.burst = burst
        self.publish_rate = publish_rate
        self.publish_burst = publish_burst
        self.body_seconds = body_seconds
        self.verifying = verifying
        self.receiving = receiving
        self.cache = cache


class RegistryApp:
    """The handlers over one catalog.

    What one look into the database answers is read in the loop itself, which takes some 50 microseconds: handing it to a
    thread costs a hundred times as much when the loop is busy, as the thread waits for its turn with every call.
    """

    def __init__(self, catalog: Catalog, settings: Settings, metrics: Metrics | None = None) -> None:
        self.catalog = catalog
        self.settings = settings
        self.metrics = metrics
        self._fixed = ByteCache(settings.cache)
        self._state = -1
        self._timestamp: bytes | None = None
        self._refresh_at = 0.0
        self._refreshing = asyncio.Lock()
        self._verifying = anyio.CapacityLimiter(settings.verifying)
        self._reading = anyio.CapacityLimiter(1)
        self._pages: dict[tuple[str, str], str] = {}
        self._receiving = asyncio.Semaphore(settings.receiving)
        self._writers = Rates(settings.publish_rate, settings.publish_burst)

    def routes(self) -> list[Route]:
        """Return what is answered."""
        gets: list[tuple[str, Callable[..., Any]]] = [
            ("/v1/metadata/{file}", self.metadata),
            ("/v1/targets/{path:path}", self.target),
            ("/v1/files/{digest}", self.file),
            ("/v1/index/{name:path}", self.index),
            ("/v1/names", self.names),
            ("/v1/search", self.search),
            ("/v1/provides/{digest}", self.provides),
            ("/v1/log/checkpoint", self.checkpoint),
            ("/v1/log/inclusion", self.inclusion),
            ("/v1/log/consistency", self.consistency),
            ("/v1/log/entries", self.log_entries),
            ("/v1/signing/{name:path}", self.signing),
            ("/healthz", self.health),
            ("/metrics", self.show_metrics),
            ("/style.css", self.style),
            ("/packages/{name:path}", self.package_page),
            ("/", self.front_page),
        ]
        posts = [("/v1/packages", self.publish), ("/v1/yank", self.yank)]
        return [Route(path, made, methods=["GET"]) for path, made in gets] + [Route(path, made, methods=["POST"]) for path, made in posts]

    # what is signed, and what it signs

    async def metadata(self, request: Request) -> Response:
        """Answer with signed metadata."""
        name = request.path_params["file"].removesuffix(".json")
        version, dot, role = name.partition(".")
        if name == "timestamp":
            return bytes_answer(request, await self._newest(), "application/json", cache=NO_CACHE)
        if not dot or not version.isascii() or not version.isdigit() or len(version) > 15:
            raise Rejected(404, "NotFound", "there is no such metadata")
        data = self._kept(f"metadata {name}", partial(self.catalog.metadata, role, int(version)))
        return bytes_answer(request, data, "application/json")

    async def _newest(self) -> bytes:
        """Return the timestamp, signed again if it is time."""
        if time.time() >= self._refresh_at:
            async with self._refreshing:
                if time.time() >= self._refresh_at:
                    await self._refresh()
        self._notice()
        if self._timestamp is None:
            self._timestamp = self.catalog.metadata("timestamp")
        if self._timestamp is None:
            raise Rejected(503, "MissingMetadata", "the registry has no timestamp")
        return self._timestamp

    async def _refresh(self) -> None:
        """Sign again what is half over. If that cannot be done, what is there is served as long as it holds."""
        try:
            self._refresh_at = await run_in_threadpool(self.catalog.refresh)
        except (MidenError, OSError) as error:
            log.error("nothing can be signed: %s", error)
            self._refresh_at = time.time() + RETRY_SECONDS

    def _notice(self) -> None:
        """Forget what is no longer so, if anybody changed anything."""
        state = self.catalog.database.state()
        if state != self._state:
            self._state = state
            self._timestamp = None
            self._pages.clear()

    async def target(self, request: Request) -> Response:
        """Answer with a file that is signed."""
        path = request.path_params["path"]
        data = self._kept(f"target {path}", partial(self.catalog.target, path))
        return bytes_answer(request, data, "application/octet-stream")

    async def file(self, request: Request) -> Response:
        """Answer with a package; one that was damaged on disk is never sent."""
        digest = request.path_params["digest"]
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise Rejected(404, "PackageNotFound", "packages are asked for by their SHA-256")
        if request.headers.get("if-none-match", "").strip() == f'"{digest}"' and self.catalog.has_file(digest):
            return Response(status_code=304, headers={"etag": f'"{digest}"', "cache-control": IMMUTABLE})
        data = self._fixed.get(f"file {digest}")
        if data is None:
            read = await run_in_threadpool(self.catalog.file, digest)
            data = self._kept(f"file {digest}", lambda: read)
        return bytes_answer(request, data, "application/octet-stream", tag=digest)

    def _kept(self, key: str, load: Callable[[], bytes | None]) -> bytes:
        """Return what never changes, from memory if it was asked for not long ago."""
        data = self._fixed.get(key)
        if data is None:
            data = load()
            if data is None:
                raise Rejected(404, "NotFound", "there is nothing of this name")
            self._fixed.put(key, data)
        return data

    # the index

    async def index(self, request: Request) -> Response:
        """Answer with the index file of a name."""
        name = PackageName(request.path_params["name"]).text
        found = await run_in_threadpool(self.catalog.versions, name)
        if not found:
            raise Rejected(404, "PackageNotFound", f"there is no package {name}")
        return bytes_answer(request, index_file(item.entry for item in found), "application/x-ndjson", cache=NO_CACHE)

    async def names(self, request: Request) -> Response:
        """Answer with names."""
        after = request.query_params.get("after", "")[:200]
        return json_answer(request, {"names": await run_in_threadpool(self.catalog.names_after, after, NAMES_A_PAGE)})

    async def search(self, request: Request) -> Response:
        """Answer with what contains a text."""
        found = await run_in_threadpool(partial(self.catalog.names, request.query_params.get("q", "")[:200], limit=MAX_FOUND))
        return json_answer(request, {"packages": [item._asdict() for item in found]})

    async def provides(self, request: Request) -> Response:
        """Answer with the packages that export a root."""
        root = Word.from_hex(request.path_params["digest"]).to_bytes()
        entries = await run_in_threadpool(self.catalog.provides, root)
        return json_answer(request, {"packages": [{"name": entry.name, "version": entry.version} for entry in entries]})

    async def signing(self, request: Request) -> Response:
        """Answer who has to sign for a name."""
        role, version = self.catalog.signing(PackageName(request.path_params["name"]).text)
        return json_answer(request, {"role": role, "version": version})

    # the log

    async def checkpoint(self, request: Request) -> Response:
        """Answer with the newest state of the log."""
        found = self.catalog.checkpoint()
        return bytes_answer(request, found.to_bytes(), "text/plain", cache=NO_CACHE)

    async def inclusion(self, request: Request) -> Response:
        """Answer with the proof that an entry is in the log."""
        try:
            leaf = bytes.fromhex(request.query_params.get("leaf", "")[:64])
        except ValueError:
            raise Rejected(422, "BadQuery", "leaf is the hash of a leaf, in hexadecimal") from None
        index, proof = self.catalog.inclusion(leaf, _number(request, "size"))
        return json_answer(request, {"index": index, "proof": [part.hex() for part in proof]}, cache=IMMUTABLE)

    async def consistency(self, request: Request) -> Response:
        """Answer with the proof that the log only grew."""
        first, second = _number(request, "first"), _number(request, "second")
        proof = self.catalog.consistency(first, second)
        return json_answer(request, {"index": 0, "proof": [part.hex() for part in proof]}, cache=IMMUTABLE)

    async def log_entries(self, request: Request) -> Response:
        """Answer with entries of the log, for those who watch it."""
        entries = await run_in_threadpool(self.catalog.log_entries, _number(request, "start"), _number(request, "end"))
        return json_answer(request, {"entries": entries})

    # changes

    async def publish(self, request: Request) -> Response:
        """Take a package."""
        token = self._token(request)
        async with self._receiving:
            signed, data = _parts(await self._body(request, self.settings.max_package + MAX_SIGNED + 4))
            if len(data) > self.settings.max_package:
                raise Rejected(413, "TooLarge", f"a package has at most {self.settings.max_package} bytes here")
            entry = await anyio.to_thread.run_sync(describe, data, limiter=self._verifying)
            check_allowed(token, "publish", entry.name)
            entry, new = await run_in_threadpool(partial(self.catalog.publish, data, signed=signed, publisher=token.id, entry=entry))
        if new:
            log.info("published %s %s with token %s", entry.name, entry.version, token.id)
        if new and self.metrics is not None:
            self.metrics.published.inc()
        return _entry_answer(entry, 201 if new else 200)

    async def yank(self, request: Request) -> Response:
        """Take a version back, or put it back."""
        token = self._token(request)
        signed, data = _parts(await self._body(request, MAX_SIGNED + 2**16))
        fields = Fields(parse_json(data, "the request", limit=2**16), "the request", "InvalidRequest")
        name, version = PackageName(fields.text("name", limit=200)).text, fields.text("version", limit=200)
        reason = fields.optional_text("reason", limit=MAX_REASON)
        check_allowed(token, "yank", name)
        entry = await run_in_threadpool(partial(self.catalog.yank, name, version, reason, signed=signed))
        log.info("%s %s %s with token %s", "put back" if reason is None else "yanked", name, version, token.id)
        return _entry_answer(entry, 200)

    def _token(self, request: Request) -> Token:
        with self.catalog.database.reading() as connection:
            token = find_token(connection, request.headers.get("authorization"))
        wait = self._writers.take(token.id)
        if wait:
            raise Rejected(429, "RateLimited", f"token {token.id} changes too much at once", headers={"retry-after": str(int(wait) + 1)})
        return token

    async def _body(self, request: Request, limit: int) -> bytes:
        """Return the body, of at most `limit` bytes, if it comes in time."""
        announced = request.headers.get("content-length")
        if announced is None or not announced.isascii() or not announced.isdigit():
            raise Rejected(411, "LengthRequired", "say how long the request is")
        if len(announced) > 15 or int(announced) > limit:
            raise Rejected(413, "TooLarge", f"a request has at most {limit} bytes here", headers={"connection": "close"})
        parts = []
        try:
            async with asyncio.timeout(self.settings.body_seconds + int(announced) / 2**16):
                async for part in body_parts(request):
                    parts.append(part)
        except TimeoutError:
            raise Rejected(408, "TooSlow", "the request did not come in time", headers={"connection": "close"}) from None
        return b"".join(parts)

    # people and machines that watch

    async def health(self, request: Request) -> Response:
        """Answer that it runs, and can read what it serves."""
        names, versions = await run_in_threadpool(self.catalog.counts)
        return json_answer(request, {"status": "ok", "registry": self.catalog.origin, "names": names, "versions": versions})

    async def show_metrics(self, request: Request) -> Response:
        """Answer with counters, for Prometheus."""
        if self.metrics is None:
            raise Rejected(404, "NotFound", "metrics are switched off")
        return Response(self.metrics.text(), media_type=self.metrics.media_type)

    async def style(self, request: Request) -> Response:
        """Answer with the style of the pages."""
        return bytes_answer(request, pages.STYLE.encode(), "text/css", cache="public, max-age=3600")

    async def front_page(self, request: Request) -> Response:
        """Show the front page, or what a search found."""
        text = request.query_params.get("q", "")[:200]
        if not text:
            counts, recent = await run_in_threadpool(self.catalog.counts), await run_in_threadpool(self.catalog.recent, 20)
            return HTMLResponse(pages.front(self.catalog.origin, counts, recent))
        found = await run_in_threadpool(partial(self.catalog.names, text, limit=MAX_FOUND))
        return HTMLResponse(pages.results(self.catalog.origin, text, found))

    async def package_page(self, request: Request) -> Response:
        """Show a package."""
        name, version = PackageName(request.path_params["name"]).text, request.query_params.get("version", "")[:200]
        self._notice()
        state = self._state
        known = self._pages.get((name, version))
        if known is not None:
            return HTMLResponse(known)
        facts = await anyio.to_thread.run_sync(pages.gather, self.catalog, name, version, limiter=self._reading)
        if facts is None:
            return HTMLResponse(pages.missing(self.catalog.origin, name), 404)
        page = pages.package(self.catalog.origin, facts)
        if self._state == state and len(self._pages) < MAX_PAGES:
            self._pages[name, version] = page
        return HTMLResponse(page)


class Guard:
    """The outermost layer: rates, headers, counters, and an answer for every error."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics | None) -> None:
        self.app = app
        self.metrics = metrics
        self._rates = Rates(settings.rate, settings.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status, finished = 0, False

        async def guarded(message: Message) -> None:
            nonlocal status, finished
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS]
            finished = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        client = scope.get("client")
        wait = self._rates.take(client[0] if client else "")
        if wait:
            answer = refusal(429, "RateLimited", "too many requests", headers={"retry-after": str(int(wait) + 1)})
            await answer(scope, receive, guarded)
        else:
            try:
                await self.app(scope, receive, guarded)
            except Exception as error:  # raised again by Starlette after it was answered
                log.error("an error of the server", exc_info=error)
                if not finished:  # half an answer was sent: the connection has to end, so that nobody takes it for the whole
                    raise
        if self.metrics is not None:
            self.metrics.seen(scope, status, time.perf_counter() - started)


def create_app(catalog: Catalog, settings: Settings | None = None, metrics: Metrics | None = None) -> ASGIApp:
    """Return the ASGI application of a registry."""
    settings = Settings() if settings is None else settings
    handlers = RegistryApp(catalog, settings, metrics)

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            kind = {404: "NotFound", 405: "MethodNotAllowed"}.get(error.status_code, "BadRequest")
            return refusal(error.status_code, kind, error.detail, headers=dict(error.headers or {}))
        found = error_answer(error)
        if found is None:
            raise error
        if found.status_code >= 500:
            log.error("%s %s: %s", request.method, request.url.path, error)
        return found

    async def confess(_request: Request, _error: Exception) -> Response:
        return refusal(500, "InternalError", "this is an error in the registry itself")

    kinds: tuple[Any, ...] = (HTTPException, MidenError, OSError, Rejected)
    app = Starlette(routes=handlers.routes(), exception_handlers={**dict.fromkeys(kinds, answer), Exception: confess})
    app.router.redirect_slashes = False
    return Guard(app, settings, metrics)


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Rejected(422, "BadQuery", f"{name} is a number")
    return int(text)


def _parts(body: bytes) -> tuple[bytes, bytes]:
    """Return what publishers signed and the rest of a request."""
    size = int.from_bytes(body[:4], "little")
    if len(body) < 4 or size > MAX_SIGNED or size > len(body) - 4:
        raise FormatError("a request starts with the length of its signed metadata", offset=0, kind="InvalidRequest")
    return body[4 : 4 + size], body[4 + size :]


def _entry_answer(entry: IndexEntry, status: int) -> Response:
    return PlainTextResponse(entry.to_line(), status, media_type="application/json")
