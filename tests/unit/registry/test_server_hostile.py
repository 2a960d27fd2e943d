"""R41: what a server makes of requests that are malformed, hostile, slow or too many. MIDEN_REQUESTS sets how many are sent."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from miden.errors import InputError, NetworkError
from miden.registry.http import HttpClient
from miden.registry.server import answers
from miden.registry.server.app import Settings
from miden.registry.server.serving import Limits
from tests.support.packages import library, package_bytes
from tests.support.registry_server import QUICK, RunningRegistry, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUESTS = int(os.environ.get("MIDEN_REQUESTS", "800"))
SETTINGS = Settings(max_package=2**16, rate=0, publish_rate=0, body_seconds=0.5)
LIMITS = Limits(connections=60, connections_each=50, head_seconds=0.5, request_seconds=1.5, idle_seconds=1)

PATHS = [
    "/v1/metadata/timestamp.json",
    "/v1/metadata/1.root.json",
    "/v1/targets/index/x",
    "/v1/files/" + "0" * 64,
    "/v1/index/acme/math",
    "/v1/names?after=a",
    "/v1/search?q=math",
    "/v1/provides/0x" + "00" * 32,
    "/v1/log/checkpoint",
    "/v1/log/inclusion?leaf=" + "00" * 32 + "&size=1",
    "/v1/log/consistency?first=0&second=1",
    "/v1/log/entries?start=0&end=5",
    "/v1/signing/acme/math",
    "/healthz",
    "/packages/acme/math?version=1.0.0",
    "/?q=math",
    "/v1/packages",
    "/v1/yank",
]
NASTY = [
    *("..", "../../../../etc/passwd", "%2e%2e%2f", "%00", "\x7f", "%ff%fe", "%", "%zz", "%25%25", "?", "#", "&", "=", ";", "//", "\\"),
    *("'; DROP TABLE names; --", '"', "<script>", "{{7*7}}", "${jndi:ldap://x}", "A" * 5000, "\r\nX: y", "a=1&a=2"),
    *("-1", "0", "9" * 30, "1e9", "NaN", "0x", "null", "18446744073709551616", "\u202e", "m\u0430th", "con", "~", ".git", "*", "timestamp"),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "G\x00T", "A" * 300]
HEADERS = [
    *("Range: bytes=0-", "Range: bytes=-1", "Range: bytes=9999999999-", "Range: bytes=5-2", "Range: lines=1", "Range: bytes=0-0,2-3"),
    *("If-None-Match: *", 'If-None-Match: "x"', "If-Range: x", "Host: evil", "Accept: \xff", ": empty", "no colon", " folded"),
    *("Content-Length: -1", "Content-Length: 5", "Content-Length: 99999999999999", "Content-Length: 1\r\nContent-Length: 2"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Content-Encoding: gzip", "Expect: 100-continue"),
    *("Connection: upgrade\r\nUpgrade: websocket", "Connection: upgrade\r\nUpgrade: h2c", "X-Forwarded-For: 1.2.3.4"),
    *("Authorization: Bearer miden_x", "Authorization: Basic eA==", "Authorization: Bearer " + "x" * 4000),
    *("Cookie: " + "a=b;" * 500, "A" * 20000 + ": b"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path_factory.mktemp("hostile"), settings=SETTINGS, limits=LIMITS) as running:
        running.catalog.publish(package_bytes("acme/math", description="sums"))
        yield running


def connect(server: RunningRegistry) -> socket.socket:
    parts = urlsplit(server.url)
    assert parts.hostname is not None
    connection = socket.create_connection((parts.hostname, parts.port or 80), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ask(server: RunningRegistry, request: bytes) -> tuple[int, bytes]:
    """Send bytes and return status and body of the first answer; status 0 if the connection was closed without one.

    A server that waits for more is told that there is no more to come.
    """
    data = b""
    with connect(server) as connection:
        connection.settimeout(0.03)
        try:
            connection.sendall(request)
            while not complete(data):
                try:
                    part = connection.recv(65536)
                except TimeoutError:
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(10)
                    continue
                if not part:
                    break
                data += part
        except ConnectionError:
            pass  # closed while we were still talking
    head, _, body = data.partition(b"\r\n\r\n")
    return (int(head.split(b" ")[1]) if head.startswith(b"HTTP/") else 0), body


def complete(data: bytes) -> bool:
    """Tell whether an answer is there as a whole, as far as its length tells."""
    head, end, body = data.partition(b"\r\n\r\n")
    length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(end) and bool(length) and len(body) >= int(length[0].partition(b":")[2])


def hostile_request(generator: random.Random) -> bytes:
    """Return a request that has something wrong with it, or several things."""
    method = generator.choice(METHODS) if generator.random() < 0.4 else generator.choice(["GET", "POST"])
    path = generator.choice(PATHS)
    for _ in range(generator.randrange(3)):
        at = generator.randrange(1, len(path) + 1)
        nasty = generator.choice(NASTY)
        path = {0: path[:at] + nasty + path[at:], 1: path[:at] + nasty, 2: "/v1/" + nasty, 3: "/packages/" + nasty}[generator.randrange(4)]
    lines = [f"{method} {path} {generator.choice(['HTTP/1.1'] * 8 + ['HTTP/1.0', 'HTTP/9.9', 'HTTP/2', ''])}", "Host: x"]
    lines += generator.sample(HEADERS, generator.randrange(4))
    data = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    if generator.random() < 0.3:
        data += generator.randbytes(generator.randrange(200))
    for _ in range(generator.choice([0, 0, 0, 1, 3])):
        at = generator.randrange(len(data))
        data = data[:at] + generator.choice([b"", generator.randbytes(1), data[:at][-20:]]) + data[at + generator.randrange(3) :]
    return data[: generator.randrange(len(data))] if generator.random() < 0.1 else data


def test_no_request_is_answered_with_an_error_without_a_code(server: RunningRegistry) -> None:
    """Malformed requests: no status of the server's own fault without a kind, and the server still works."""
    generator = random.Random(int(os.environ.get("MIDEN_SEED", "0")))
    statuses: dict[int, int] = {}
    for _ in range(REQUESTS):
        request = hostile_request(generator)
        status, body = ask(server, request)
        statuses[status] = statuses.get(status, 0) + 1
        assert status < 500 or json.loads(body)["error"]["kind"] in ("TooManyConnections", "Damaged"), (request, status, body)
    assert statuses.keys() >= {200, 400, 404, 405}
    assert 500 not in statuses
    assert server.client("after").versions("acme/math")[0].version == "1.0.0"
    assert server.catalog.counts() == (1, 1)


def test_the_fuzzer_would_notice_an_error_without_a_code(server: RunningRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the answer to errors switched off, the same requests do find status 500."""
    monkeypatch.setattr(answers, "error_answer", lambda error: None)
    monkeypatch.setattr("miden.registry.server.app.error_answer", lambda error: None)
    status, body = ask(server, b"GET /v1/index/-- HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 500
    assert json.loads(body)["error"]["kind"] == "InternalError"  # even then with a code


CUT = package_bytes("cut")
BODIES = {
    "nothing": b"",
    "a short length": b"\0\0",
    "a length that lies": b"\xff\xff\xff\x7f" + b"x" * 50,
    "no package": b"\0\0\0\0rubbish",
    "a package cut short": b"\0\0\0\0" + CUT[:-20],
    "a package with one bit flipped": b"\0\0\0\0" + CUT[:-40] + bytes((CUT[-40] ^ 1,)) + CUT[-39:],
    "a package and more": b"\0\0\0\0" + CUT + b"more",
    "too much": b"\0\0\0\0" + b"x" * (2**16 + 1),
}


@pytest.mark.parametrize("name", BODIES)
def test_an_upload_that_is_no_package_leaves_nothing_behind(server: RunningRegistry, name: str) -> None:
    """Uploads are in quarantine, in memory, until they are verified: nothing reaches a file or the database."""
    before = sorted(path.name for path in (server.catalog.folder / "files").rglob("*"))
    client = HttpClient(server.url, budget=QUICK)
    with pytest.raises(NetworkError) as caught:
        client.send("POST", "v1/packages", data=BODIES[name], headers={"authorization": f"Bearer {server.token}"})
    client.close()
    assert caught.value.status in (400, 413, 422)
    assert caught.value.kind != "HttpError"
    assert sorted(path.name for path in (server.catalog.folder / "files").rglob("*")) == before
    assert server.catalog.counts() == (1, 1)


HOSTILE_NAMES = [
    *("../x", "/etc/passwd", "C:\\x", "a\0b", "CON", "lpt1", "x.", "x ", "a" * 300, "\u202eevil", "m\u0430th", "e\u0301", "\ufeffx"),
    *(".git", "~", "a/b/c", "/a", "a/", "-x", "a b", "a;b", "", ".", "..", "a\nb", "<script>", "%2e%2e", "a@1"),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_package_with_a_hostile_name_is_refused(server: RunningRegistry, name: str) -> None:
    """The name in the file is what counts, and it is checked before anything is written."""
    data = package_bytes(name, artifact=library("harmless"))
    client = HttpClient(server.url, budget=QUICK)
    with pytest.raises(NetworkError) as caught:
        client.send("POST", "v1/packages", data=b"\0\0\0\0" + data, headers={"authorization": f"Bearer {server.token}"})
    client.close()
    assert (caught.value.status, caught.value.kind) == (422, "InvalidName")
    assert server.catalog.counts() == (1, 1)


def closed_after(connection: socket.socket) -> float:
    """Return the seconds until the server closes a connection."""
    started = time.monotonic()
    connection.settimeout(10)
    try:
        while connection.recv(65536):
            continue
    except ConnectionError:
        pass
    return time.monotonic() - started


SLOW = {
    "says nothing": b"",
    "stops in the head": b"GET / HTTP/1.1\r\nHost: x\r\nX-",
    "stops in the body": b"POST /v1/packages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nAuthorization: Bearer %s\r\n\r\nabc",
    "keeps an idle connection": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_a_client_that_does_nothing_is_left(server: RunningRegistry, name: str) -> None:
    with connect(server) as connection:
        connection.sendall(SLOW[name].replace(b"%s", server.token.encode()))
        assert closed_after(connection) < 5


def test_a_client_that_sends_a_byte_now_and_then_is_left(server: RunningRegistry) -> None:
    """Slow headers: each byte is on time, the head as a whole is not."""
    import select

    with connect(server) as connection:
        started = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        try:
            while time.monotonic() - started < 8 and not select.select([connection], [], [], 0.05)[0]:
                connection.sendall(b"y")
        except ConnectionError:
            pass
        assert time.monotonic() - started < 4


def test_who_goes_away_before_the_end_is_no_error_of_the_server(server: RunningRegistry, caplog: pytest.LogCaptureFixture) -> None:
    for path in (b"/v1/packages", b"/v1/yank"):
        for how in (socket.SHUT_WR, socket.SHUT_RDWR):
            with connect(server) as connection:
                request = b"POST " + path + SLOW["stops in the body"].partition(b"/v1/packages")[2].replace(b"%s", server.token.encode())
                connection.sendall(request)
                connection.shutdown(how)
                assert connection.recv(1000) == b""  # nobody is there to be answered
    for _ in range(3):  # and who asks for much, and reads none of it
        with connect(server) as connection:
            connection.sendall(b"GET /v1/metadata/1.root.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # the end is a reset
    assert ask(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[0] == 200
    assert caplog.records == []


def test_a_client_that_does_not_read_is_left(tmp_path: Path) -> None:
    """It asks for much and never reads: its answers do not pile up here for ever."""
    with running_registry(tmp_path, settings=SETTINGS, limits=LIMITS) as server:
        entry, _ = server.catalog.publish(package_bytes("big", description="x" * 50_000))
        request = f"GET /v1/files/{entry.sha256} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        with connect(server) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(0.2)
            assert sends_until(connection, request * 50, 8)[1] is TimeoutError  # the server stopped reading
            connection.settimeout(8)
            seconds, how = sends_until(connection, request, 8)
            assert issubclass(how, ConnectionError)
            assert seconds < 6


def sends_until(connection: socket.socket, data: bytes, most: float) -> tuple[float, type[Exception]]:
    """Send until it fails; return after how many seconds, and how."""
    started = time.monotonic()
    try:
        while time.monotonic() - started < most:
            connection.sendall(data)
    except OSError as error:
        return time.monotonic() - started, type(error)
    return most, OSError


def test_one_address_gets_only_so_many_connections(server: RunningRegistry) -> None:
    held = [connect(server) for _ in range(LIMITS.connections_each)]
    try:
        status, body = ask(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status == 503
        assert json.loads(body)["error"]["kind"] == "TooManyConnections"
    finally:
        for connection in held:
            connection.close()
    for _ in range(50):
        if ask(server, b"GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 200:
            break
    else:
        pytest.fail("the server did not recover")


def test_too_many_requests_are_told_to_wait(tmp_path: Path) -> None:
    with running_registry(tmp_path, settings=Settings(rate=0.001, burst=5)) as server:
        client = HttpClient(server.url, budget=QUICK)
        for _ in range(5):
            client.get("healthz", limit=1000)
        with pytest.raises(NetworkError) as caught:
            client.get("healthz", limit=1000)
        client.close()
    assert (caught.value.kind, caught.value.status) == ("RateLimited", 429)


def test_a_token_changes_only_so_much(tmp_path: Path) -> None:
    with running_registry(tmp_path, settings=Settings(publish_rate=0.001, publish_burst=2)) as server:
        client = server.client()
        client.publish(package_bytes("one"))
        client.publish(package_bytes("two"))
        with pytest.raises(NetworkError) as caught:
            client.publish(package_bytes("three"))
        assert caught.value.kind == "RateLimited"
        assert server.catalog.counts() == (2, 2)


@pytest.mark.parametrize("action", ["publish", "yank"])
def test_without_a_token_nothing_can_be_changed(server: RunningRegistry, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The defence is the look at the token: switched off, the same request passes."""
    from miden.registry.server import app
    from miden.registry.server.tokens import Token

    stranger = server.client(f"stranger {action}", token=None)

    def change() -> None:
        if action == "publish":
            stranger.publish(package_bytes("acme/math", description="sums"))  # the same bytes: nothing is changed even if it passes
        else:
            stranger.yank("acme/math", "1.0.0", None)

    with pytest.raises(InputError) as caught:
        change()
    assert caught.value.kind == "TokenNeeded"
    monkeypatch.setattr(app, "find_token", lambda connection, header: Token("x", "", ["publish:*", "yank:*"]))
    change()
