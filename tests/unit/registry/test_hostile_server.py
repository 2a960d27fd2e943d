"""R38: whatever a server does, a client stays within its bounds and says what was wrong. No redirect leads inside."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

import pytest

from miden.errors import InputError, NetworkError, NotFoundError
from miden.registry import http
from miden.registry.http import Budget, HttpClient
from tests.support.loopback import Reply, serve_raw, serve_replies

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable, Mapping

IMPATIENT = Budget(connect=1, idle=0.4, total=0.8, minimum_rate=10_000, grace=0.3)
CALM = Budget(connect=10, idle=10, total=20, minimum_rate=1, grace=20)
LIMIT = 1000
DRIP = 0.05


def ask(url: str, limit: int = LIMIT, budget: Budget = CALM) -> bytes:
    client = HttpClient(url, budget=budget)
    try:
        return client.get("file", limit=limit).data
    finally:
        client.close()


def refused(url: str, limit: int = LIMIT, budget: Budget = CALM) -> NetworkError:
    """Return the error of a request, which must come soon."""
    started = time.monotonic()
    with pytest.raises(NetworkError) as caught:
        ask(url, limit, budget)
    assert time.monotonic() - started < 8
    return caught.value


def drip(first: bytes, then: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Return a behaviour: send `first`, then a byte now and then."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        for at in range(10_000):
            if over.wait(DRIP):
                return
            connection.sendall(then[at % len(then) : at % len(then) + 1])

    return behave


HEAD = b"HTTP/1.1 200 OK\r\n"

SLOW = {
    "a byte now and then of the body": drip(HEAD + b"Content-Length: 900\r\n\r\n", b"x"),
    "a byte now and then of the status line": drip(b"", HEAD),
    "headers without end": drip(HEAD, b"X-More: y\r\n"),
    "chunks of one byte": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "nothing at all": lambda connection, over: (over.wait(60), None)[1],
    "a body that stops": lambda connection, over: (connection.sendall(HEAD + b"Content-Length: 900\r\n\r\nabc"), over.wait(60), None)[2],
}


@pytest.mark.parametrize("behaviour", SLOW)
def test_a_slow_server_is_left(behaviour: str) -> None:
    with serve_raw(SLOW[behaviour]) as url:
        assert refused(url, budget=IMPATIENT).kind == "TooSlow"


@pytest.mark.parametrize("behaviour", [name for name in SLOW if "body" not in name and "chunks" not in name])
def test_a_slow_head_is_left_however_much_may_follow(behaviour: str) -> None:
    """Time for a large answer is only given once its head is there."""
    with serve_raw(SLOW[behaviour]) as url:
        assert refused(url, 2**40, IMPATIENT).kind == "TooSlow"


@pytest.mark.parametrize("behaviour", ["a byte now and then of the body", "headers without end", "a byte now and then of the status line"])
def test_without_the_deadline_a_slow_server_would_hold_the_client(behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The defence is what stops it: with the clock switched off the client still reads after twice the time."""
    monkeypatch.setattr(http._Clock, "left", lambda self, most: most)
    monkeypatch.setattr(Budget, "deadline", lambda self, size: 1e9)
    patient = Budget(connect=1, idle=0.4, total=0.8, minimum_rate=0.001, grace=0.3)

    class HeldError(Exception):
        pass

    started = time.monotonic()
    original = http._Clock.left

    def watch(self: object, most: float | None) -> float | None:
        if time.monotonic() - started > 1.8:
            raise HeldError
        return original(self, most)  # type: ignore[arg-type]

    monkeypatch.setattr(http._Clock, "left", watch)
    with serve_raw(SLOW[behaviour]) as url, pytest.raises(HeldError):
        ask(url, budget=patient)


LONG = {
    "a body longer than allowed": Reply(b"x" * (LIMIT + 1)),
    "a length announced that is too long": Reply(b"x", length=10**12),
    "an error page without end": Reply(b"x" * 100_000, status=500),
}


@pytest.mark.parametrize("name", LONG)
def test_an_answer_that_is_too_long_is_not_read(name: str) -> None:
    with serve_replies(lambda path, headers: LONG[name]) as url:
        assert refused(url).kind == "TooLong"


def test_an_endless_answer_without_a_length_is_not_read() -> None:
    sent = [0]

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            sent[0] += 0x1000

    with serve_raw(behave) as url:
        assert refused(url).kind == "TooLong"
    assert sent[0] < 2**23  # what fits into the buffers of two sockets


def test_a_million_headers_are_not_read() -> None:
    with serve_raw(lambda connection, over: connection.sendall(HEAD + b"X-A: b\r\n" * 10**6)) as url:
        assert refused(url).kind in ("BadAnswer", "Unreachable")


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    with serve_replies(lambda path, headers: Reply(bomb, headers={"Content-Encoding": "gzip"})) as url:
        assert refused(url, limit=10**6).kind == "BadAnswer"


def test_no_compression_is_asked_for() -> None:
    asked: list[Mapping[str, str]] = []
    with serve_replies(lambda path, headers: (asked.append(headers), Reply(b"yes"))[1]) as url:
        assert ask(url) == b"yes"
    assert asked[0]["accept-encoding"] == "identity"


BROKEN = {
    "not HTTP": b"SSH-2.0-server\r\n",
    "no status": b"HTTP/1.1 \r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "a body cut short": HEAD + b"Content-Length: 100\r\n\r\nabc",
    "a bad chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_is_no_http_is_refused(name: str) -> None:
    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(BROKEN[name])

    with serve_raw(behave) as url:
        assert refused(url).kind in ("BadAnswer", "Unreachable")


REDIRECTS = [
    "file:///etc/passwd",
    "ftp://example.org/",
    "gopher://127.0.0.1/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "//",
    "http://example.org/",
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1/",
    "http://user:password@127.0.0.1/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://127.0.0.2/",
    "https://localhost/",
    "https://[::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://0.0.0.0/",
    "https://100.64.0.1/",
    "https://2130706433/",
    "https://0x7f000002/",
    "https://127.0.0.1:notaport/",
    "",
]


@pytest.mark.parametrize("target", REDIRECTS)
def test_no_redirect_leads_inside(target: str) -> None:
    with serve_replies(lambda path, headers: Reply(status=302, headers={"Location": target})) as url:
        error = refused(url)
    assert error.kind == "BadRedirect", error.message


def test_without_the_look_at_addresses_a_redirect_would_lead_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []

    def connected(self: object, host: str, *rest: object) -> None:
        reached.append(host)
        raise OSError("far enough")

    import httpcore

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connected)
    backend = http._guarded_backend(httpcore, http._Clock(), "127.0.0.1")
    with pytest.raises(NetworkError):
        backend.connect_tcp("10.0.0.1", 443)
    assert reached == []
    monkeypatch.setattr(http.ipaddress, "ip_address", lambda text: type("Any", (), {"is_global": True}))
    with pytest.raises(OSError, match="far enough"):
        backend.connect_tcp("10.0.0.1", 443)
    assert reached == ["10.0.0.1"]


def test_five_redirects_are_followed_and_not_a_sixth() -> None:
    def answer(path: str, headers: Mapping[str, str]) -> Reply:
        left = int(path.rpartition("/")[2])
        return Reply(b"there") if left == 0 else Reply(status=307, headers={"Location": f"/{left - 1}"})

    with serve_replies(answer) as url:
        client = HttpClient(url, budget=CALM)
        assert client.get("5", limit=LIMIT).data == b"there"
        with pytest.raises(NetworkError) as caught:
            client.get("6", limit=LIMIT)
        assert caught.value.kind == "BadRedirect"
        client.close()


def test_a_token_does_not_follow_a_redirect() -> None:
    seen: list[str | None] = []

    def answer(path: str, headers: Mapping[str, str]) -> Reply:
        seen.append(headers.get("authorization"))
        return Reply(b"there") if path == "/b" else Reply(status=302, headers={"Location": "/b"})

    with serve_replies(answer) as url:
        client = HttpClient(url, budget=CALM)
        client.get("a", limit=LIMIT, headers={"authorization": "Bearer secret"})
        client.close()
    assert seen == ["Bearer secret", None]


@pytest.mark.parametrize("url", ["http://example.org/", "ftp://localhost/", "example.org", "https://user:password@example.org/", "https://"])
def test_only_urls_that_are_safe_are_taken(url: str) -> None:
    with pytest.raises(InputError) as caught:
        HttpClient(url)
    assert caught.value.kind == "InvalidUrl"


def test_nobody_there_is_a_typed_error() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/").kind == "Unreachable"


def test_the_reason_of_a_refusal_is_passed_on() -> None:
    body = b'{"error": {"kind": "TokenRevoked", "message": "this token was taken back", "hint": "make another"}}'
    with serve_replies(lambda path, headers: Reply(body, status=403)) as url:
        error = refused(url)
    assert (error.kind, error.status, error.hint) == ("TokenRevoked", 403, "make another")
    assert "taken back" in error.message


def test_what_is_not_there_is_not_found() -> None:
    with serve_replies(lambda path, headers: Reply(status=404)) as url, pytest.raises(NotFoundError):
        ask(url)
