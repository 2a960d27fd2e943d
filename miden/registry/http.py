"""A client of HTTP for servers that may be hostile: every byte, second, redirect and address has a bound.

- An answer has at most as many bytes as the caller expects. It is never decompressed: none is asked for, and one that
  comes compressed all the same is refused.
- A request as a whole has a deadline, and after some seconds a least speed. The clock is looked at with every read from
  the network, headers included, so that a server that sends a byte a second is no exception.
- Redirects are followed five times at most, to ``https`` or within the same origin, never with credentials, and never from
  elsewhere to an address that is private, of this machine, or of the local link.
- Without TLS only this machine is spoken to, unless the caller says otherwise.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from contextlib import contextmanager
from threading import local
from urllib.parse import urljoin, urlsplit

from miden.errors import InputError, NetworkError, NotFoundError
from miden.registry.extras import require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import Any
    from urllib.parse import SplitResult

MAX_REDIRECTS = 5
MAX_BODY = 2**26
"""Bytes of an answer that are read if the caller knows no better."""
MAX_ERROR = 16 * 1024
"""Bytes of the text of an error that are read."""


class Budget:
    """How long a server may take.

    Attributes
    ----------
    connect
        Seconds until a connection is there.
    idle
        Seconds without a byte.
    total
        Seconds of a whole request for what is small; a large answer gets `minimum_rate` on top.
    minimum_rate
        Bytes a second, on average, from `grace` seconds on.
    grace
        Seconds in which any speed will do.
    """

    __slots__ = ("connect", "grace", "idle", "minimum_rate", "total")

    def __init__(
        self, *, connect: float = 10, idle: float = 20, total: float = 60, minimum_rate: float = 4096, grace: float = 10
    ) -> None:
        self.connect = connect
        self.idle = idle
        self.total = total
        self.minimum_rate = minimum_rate
        self.grace = grace

    def deadline(self, size: int) -> float:
        """Return the seconds that sending or receiving `size` bytes may take as a whole."""
        return self.total + size / self.minimum_rate


class Answer:
    """Status, headers (names in lower case) and body of an answer."""

    __slots__ = ("data", "headers", "status", "url")

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes, url: str) -> None:
        self.status = status
        self.headers = headers
        self.data = data
        self.url = url

    def __repr__(self) -> str:
        return f"<Answer {self.status} {len(self.data)} bytes>"


class HttpClient:
    """Requests to one server, several at once if several threads ask.

    Parameters
    ----------
    base
        URL of the server, ``https://``, or ``http://`` for one on this machine.
    budget
        A `Budget`.
    plain
        Allow ``http://`` to other machines: integrity is protected all the same, but tokens can be read on the way.
    trust
        File of certificates to trust in place of the system's.

    Raises
    ------
    InputError
        Of kind ``InvalidUrl``.
    BackendError
        The extra is not installed.
    """

    def __init__(self, base: str, *, budget: Budget | None = None, plain: bool = False, trust: str | None = None) -> None:
        self.base = base.rstrip("/") + "/"
        self.budget = Budget() if budget is None else budget
        self._plain = plain
        self._httpcore = require("httpcore")
        parts = check_url(base)
        self._host = parts.hostname or ""
        if parts.scheme == "http" and not plain and not is_loopback(self._host):
            raise InputError(
                f"{base} is not encrypted", kind="InvalidUrl", hint="use https://, or say that plain HTTP will do; a token could be read"
            )
        self._origin = _origin(parts)
        self._clock = _Clock()
        context = None  # made for a connection if a redirect leads to TLS
        if parts.scheme == "https":
            import ssl

            context = ssl.create_default_context(cafile=trust)
        self._pool = self._httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=32,
            keepalive_expiry=15,
            network_backend=_guarded_backend(self._httpcore, self._clock, self._host),
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def get(self, path: str, *, limit: int, headers: Mapping[str, str] | None = None) -> Answer:
        """Return an answer of status 200, 206 or 304; `path` is below the URL of the server.

        Raises
        ------
        NotFoundError
            Of kind ``PackageNotFound``: status 404 or 410.
        NetworkError
            Of kind ``Unreachable``, ``TooSlow``, ``TooLong``, ``BadAnswer``, ``BadRedirect``, ``HttpError``, ``RateLimited``.
        """
        with self.stream("GET", path, limit=limit, headers=headers) as (answer, chunks):
            if answer.status in (200, 206, 304):
                answer.data = b"".join(chunks)
                return answer
            raise _refusal(answer, b"".join(chunks))

    def read(self, path: str, *, limit: int) -> bytes:
        """Return the bytes of an answer of status 200. Raises as `get`."""
        return self.get(path, limit=limit).data

    def chunks(self, path: str, *, limit: int = MAX_BODY) -> Iterator[bytes]:
        """Yield the bytes of an answer of status 200; `NetworkError` with the status of any other."""
        with self.stream("GET", path, limit=limit) as (answer, chunks):
            if answer.status != 200:
                raise NetworkError(f"{answer.url} answers {answer.status}", status=answer.status, url=answer.url, kind="HttpError")
            yield from chunks

    def send(
        self, method: str, path: str, *, data: bytes = b"", headers: Mapping[str, str] | None = None, limit: int = MAX_ERROR
    ) -> Answer:
        """Send data, and return an answer of status 2xx; redirects are not followed. Raises as `get`."""
        with self.stream(method, path, data=data, limit=limit, headers=headers) as (answer, chunks):
            body = b"".join(chunks)
            if 200 <= answer.status < 300:
                answer.data = body
                return answer
            raise _refusal(answer, body)

    @contextmanager
    def stream(
        self, method: str, path: str, *, limit: int, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """Send a request; the answer comes with its bytes still to be read, within the bounds."""
        url = urljoin(self.base, path)
        sent = {"host": "", "user-agent": "miden", "accept": "*/*", "accept-encoding": "identity", **(headers or {})}
        if data or method in ("PUT", "POST"):
            sent["content-length"] = str(len(data))
        with self._clock.running(self.budget.deadline(len(data))):  # until the head of the answer is there
            for _ in range(MAX_REDIRECTS + 1):
                sent["host"] = urlsplit(url).netloc.rpartition("@")[2]
                with self._request(method, url, sent, data) as response:
                    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                    status: int = response.status
                    if status in (301, 302, 303, 307, 308) and method == "GET":
                        url = self.follow(url, found.get("location", ""))
                        sent = {name: value for name, value in sent.items() if name != "authorization"}
                        continue
                    self._check_headers(url, found, limit)
                    most = limit if status < 300 else min(limit, MAX_ERROR)
                    self._clock.extend(self.budget.deadline(most))
                    yield Answer(status, found, b"", url), self._body(url, response, most)
                    return
            raise NetworkError(f"{self.base} redirects more than {MAX_REDIRECTS} times", url=url, kind="BadRedirect")

    # parts

    @contextmanager
    def _request(self, method: str, url: str, headers: Mapping[str, str], data: bytes) -> Iterator[Any]:
        core = self._httpcore
        budget = self.budget
        timeouts = {"connect": budget.connect, "read": budget.idle, "write": budget.idle, "pool": budget.total}
        listed = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        try:
            with self._pool.stream(method, url, headers=listed, content=data, extensions={"timeout": timeouts}) as response:
                yield response
        except core.TimeoutException as error:
            raise NetworkError(f"{url} is too slow", url=url, kind="TooSlow", hint="try again later, or another mirror") from error
        except core.ProtocolError as error:
            raise NetworkError(f"{url} does not speak HTTP as it should: {error}", url=url, kind="BadAnswer") from error
        except (core.NetworkError, core.UnsupportedProtocol, OSError) as error:
            reason = str(error) or type(error).__name__
            raise NetworkError(
                f"{url} cannot be reached: {reason}", url=url, kind="Unreachable", hint="is the address right, and is there a network?"
            ) from error

    def _check_headers(self, url: str, headers: Mapping[str, str], limit: int) -> None:
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise NetworkError(f"{url} sends compressed data that nobody asked for", url=url, kind="BadAnswer")
        length = headers.get("content-length")
        if length is not None and (not length.isascii() or not length.isdigit() or len(length) > 15 or int(length) > max(limit, MAX_ERROR)):
            raise NetworkError(f"{url} announces {length[:20]} bytes, at most {limit} are read", url=url, kind="TooLong")

    def _body(self, url: str, response: Any, limit: int) -> Iterator[bytes]:
        seen = 0
        started = time.monotonic()
        for chunk in response.iter_stream():
            seen += len(chunk)
            if seen > limit:
                raise NetworkError(f"{url} sends more than the {limit} bytes that are read", url=url, kind="TooLong")
            elapsed = time.monotonic() - started
            if elapsed > self.budget.grace and seen / elapsed < self.budget.minimum_rate:
                raise NetworkError(f"{url} sends {seen / elapsed:.0f} bytes a second, which is too slow", url=url, kind="TooSlow")
            yield chunk

    def follow(self, url: str, location: str) -> str:
        """Return where an answer of `url` leads; `NetworkError` of kind ``BadRedirect`` for what is not followed."""
        if not location:
            raise NetworkError(f"{url} redirects to nowhere", url=url, kind="BadRedirect")
        target = urljoin(url, location)
        try:
            parts = check_url(target)
        except InputError as error:
            raise NetworkError(f"{url} redirects to {target[:200]}, which is not followed", url=url, kind="BadRedirect") from error
        if parts.scheme != "https" and _origin(parts) != self._origin:
            raise NetworkError(f"{url} redirects to {target[:200]}, which is not encrypted", url=url, kind="BadRedirect")
        return target


class _Clock:
    """The deadline of the request that this thread is in."""

    def __init__(self) -> None:
        self._local = local()

    @contextmanager
    def running(self, seconds: float) -> Iterator[None]:
        self._local.end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._local.end = None

    def extend(self, seconds: float) -> None:
        """Set the end to so many seconds from now."""
        self._local.end = time.monotonic() + seconds

    def left(self, most: float | None) -> float | None:
        """Return how long one step may take, negative if the time is over."""
        end = getattr(self._local, "end", None)
        if end is None:
            return most
        left: float = end - time.monotonic()
        return left if most is None else min(left, most)


def _guarded_backend(core: Any, clock: _Clock, home: str) -> Any:
    """Return what `httpcore` opens connections with: it looks at addresses, and at the clock with every read and write."""

    class Stream(core.NetworkStream):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            data: bytes = self._inner.read(max_bytes, _within(clock, timeout, core.ReadTimeout))
            return data

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self._inner.write(buffer, _within(clock, timeout, core.WriteTimeout))

        def close(self) -> None:
            self._inner.close()

        def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
            return Stream(self._inner.start_tls(ssl_context, server_hostname, _within(clock, timeout, core.ConnectTimeout)))

        def get_extra_info(self, info: str) -> Any:
            return self._inner.get_extra_info(info)

    class Backend(core.NetworkBackend):  # type: ignore[misc]
        def __init__(self) -> None:
            self._inner = core.SyncBackend()

        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> Any:
            problem: Exception | None = None
            for address in _addresses(host, port):
                if host != home and not ipaddress.ip_address(address).is_global:
                    raise NetworkError(f"{host} is {address}, an address that is not public", url=host, kind="BadRedirect")
                try:
                    left = _within(clock, timeout, core.ConnectTimeout)
                    return Stream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
                except (core.ConnectError, core.ConnectTimeout) as error:
                    problem = error
            raise core.ConnectError(str(problem) if problem else f"no address of {host} is known")

        def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None) -> Any:
            raise core.ConnectError("sockets of files are not used")

        def sleep(self, seconds: float) -> None:
            self._inner.sleep(seconds)

    return Backend()


def _within(clock: _Clock, timeout: float | None, error: type[Exception]) -> float | None:
    left = clock.left(timeout)
    if left is not None and left <= 0:
        raise error("the time for the whole request is over")
    return left


def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host, each once, in the order of the resolver."""
    return list(dict.fromkeys(str(row[4][0]).partition("%")[0] for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def check_url(url: str, schemes: Collection[str] = ("http", "https")) -> SplitResult:
    """Return the parts of the URL of a server; `InputError` of kind ``InvalidUrl`` for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InputError(f"{url[:200]!r} is no URL: {error}", kind="InvalidUrl") from None
    if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc:
        hint = f"write {tuple(schemes)[-1]}://host/, without a password"
        raise InputError(f"{url[:200]!r} is not the URL of a server", kind="InvalidUrl", hint=hint)
    return parts


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name or address alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(answer: Answer, body: bytes) -> NetworkError | NotFoundError:
    """Return the error for an answer that is a refusal; a registry says why in JSON."""
    import json

    kind, message, hint = "HttpError", f"{answer.url} answers {answer.status}", None
    try:
        facts = json.loads(body)["error"]
        kind, message = str(facts["kind"])[:80], f"{message}: {str(facts['message'])[:500]!r}"[:600]
        hint = str(facts["hint"])[:500] if facts.get("hint") else None
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # an answer of something else on the way, such as a proxy
    if answer.status in (404, 410):
        return NotFoundError(message, kind="PackageNotFound", hint=hint)
    if answer.status == 429:
        wait = answer.headers.get("retry-after", "some")[:10]
        return NetworkError(message, status=429, url=answer.url, kind="RateLimited", hint=f"try again in {wait} s")
    return NetworkError(message, status=answer.status, url=answer.url, kind=kind, hint=hint)
