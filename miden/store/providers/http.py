"""Objects of another machine, over HTTP: the client of `miden store serve`, for reading.

Needs the extra ``miden[http]``. The server is not trusted: sizes and times are bounded, redirections are not followed, and the
store verifies what comes.
"""

from __future__ import annotations

import struct
from contextlib import closing, contextmanager
from time import monotonic

from miden.errors import BackendError, FormatError, StorageError
from miden.store.envelope import MAX_PAYLOAD
from miden.store.keys import KEY_SIZE, ObjectKey
from miden.store.provider import ProviderStat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, NoReturn

    from miden.store.provider import StoredObject

MAX_KEYS = 4096
"""Keys in one request."""

FRAME = struct.Struct("<IQ")
"""In front of each object of an answer to many keys: how many keys lead to it, its size; the keys follow, then the object."""

SMALL = 2**20
"""Bytes of an answer that is not an object."""


class HttpProvider:
    """Reads objects from a server.

    Parameters
    ----------
    url
        Where the server is, such as ``https://store.example``.
    name
        For messages; the URL by default.
    timeout
        Seconds to wait for a connection, and for each piece of an answer.
    deadline
        Seconds that one answer may take in all.
    max_bytes
        Largest answer that is read.
    headers
        Sent with every request.

    Raises
    ------
    BackendError
        If httpx is not installed.
    StorageError
        For a URL that is none.
    """

    writable = False
    local = False

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        timeout: float = 10.0,
        deadline: float = 60.0,
        max_bytes: int = MAX_PAYLOAD + SMALL,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.name = name or url
        self.deadline = deadline
        self.max_bytes = max_bytes
        try:
            import httpx
        except ImportError as error:
            text = "the http provider needs the httpx library"
            raise BackendError(text, kind="MissingHttpx", hint="pip install 'miden[http]'") from error
        if not url.startswith(("http://", "https://")):
            text = f"the place of a server starts with http:// or https://, found {url[:80]!r}"
            raise StorageError(text, kind="UnknownLocation", provider=self.name)
        self._httpx: Any = httpx
        self._base = url.rstrip("/")
        # no compression: an object is compressed already, and a server could send a bomb
        sent = {"accept-encoding": "identity", **(headers or {})}
        self._client = httpx.Client(headers=sent, timeout=timeout, follow_redirects=False, trust_env=False)

    def get(self, key: ObjectKey) -> bytes | None:
        """Return the bytes for a key, or None."""
        return self._request("GET", f"/v1/objects/{key}", limit=self.max_bytes, missing=True)

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        """Return the bytes for the keys there are, in one round trip for 4,096 keys."""
        found: dict[ObjectKey, bytes] = {}
        for chunk in _chunks(keys):
            answer = self._request("POST", "/v1/objects", body=b"".join(map(ObjectKey.to_bytes, chunk)), limit=self.max_bytes)
            wanted = set(chunk)
            for its_keys, data in _frames(answer or b""):
                found.update((key, data) for key in its_keys if key in wanted)
        return found

    def contains(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """Return the keys there are."""
        found: set[ObjectKey] = set()
        for chunk in _chunks(keys):
            answer = self._request("POST", "/v1/contains", body=b"".join(map(ObjectKey.to_bytes, chunk)), limit=SMALL) or b""
            found.update(set(_keys(answer)) & set(chunk))
        return found

    def keys(self) -> Iterator[ObjectKey]:
        """Iterate over all keys, sorted, page by page."""
        last: ObjectKey | None = None
        while True:
            page = _keys(self._request("GET", "/v1/keys" + ("" if last is None else f"?after={last}"), limit=SMALL) or b"")
            if not page:
                return
            if last is not None and page[0] <= last:
                raise FormatError(f"{self.name}: the keys of a page are not behind those of the page before", kind="InvalidAnswer")
            yield from page
            last = page[-1]

    def stat(self) -> ProviderStat:
        """Ask the server to count."""
        import json

        try:
            facts = json.loads(self._request("GET", "/v1/stat", limit=SMALL) or b"")
            return ProviderStat(*(int(facts[name]) for name in ProviderStat._fields))
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{self.name}: the answer to stat is not understood", kind="InvalidAnswer") from error

    def put_many(self, objects: Iterable[StoredObject]) -> None:
        """Refuse: the server is for reading."""
        self._refuse()

    def remove(self, keys: Iterable[ObjectKey]) -> int:
        """Refuse: the server is for reading."""
        self._refuse()

    def quarantine(self, key: ObjectKey, reason: str, data: bytes | None = None) -> None:
        """Refuse: the server is for reading."""
        self._refuse()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _refuse(self) -> NoReturn:
        raise StorageError(f"{self.name} is for reading only", kind="ReadOnly", provider=self.name)

    def _request(self, method: str, path: str, *, limit: int, body: bytes | None = None, missing: bool = False) -> bytes | None:
        """Return the body of an answer; None for 404 where that is expected."""
        until = monotonic() + self.deadline
        with self._translated(), closing(self._send(method, path, body)) as response:
            if response.status_code == 404 and missing:
                return None
            if response.status_code != 200:
                text = f"{self.name}: {method} {path} was answered with status {response.status_code}"
                raise StorageError(text, kind="UnexpectedStatus", provider=self.name)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise StorageError(f"{self.name}: a compressed answer was not asked for", kind="UnexpectedEncoding", provider=self.name)
            pieces, size = [], 0
            for piece in response.iter_raw():
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    text = f"{self.name}: the answer is longer than {limit} bytes"
                    raise StorageError(text, kind="AnswerTooLarge", hint="raise max_bytes", provider=self.name)
                if monotonic() > until:
                    text = f"{self.name}: the answer took longer than {self.deadline} seconds"
                    raise StorageError(text, kind="TooSlow", hint="raise deadline", provider=self.name)
            return b"".join(pieces)

    def _send(self, method: str, path: str, body: bytes | None) -> Any:
        """Return the head of an answer; ask twice where the server had closed a connection that was kept open."""
        for last in (False, True):
            request = self._client.build_request(method, self._base + path, content=body)
            try:
                return self._client.send(request, stream=True)
            except self._httpx.RemoteProtocolError:
                if last:
                    raise
        return None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors of the connection into ours."""
        httpx = self._httpx
        try:
            yield
        except httpx.TimeoutException as error:
            text = f"{self.name}: no answer in time ({type(error).__name__})"
            raise StorageError(text, kind="TooSlow", hint="raise timeout", provider=self.name) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise StorageError(f"{self.name}: {error}", kind="ConnectionFailed", provider=self.name) from error
        except RuntimeError as error:  # what httpx raises for a client that was closed
            raise StorageError(f"{self.name}: {error}", kind="Closed", provider=self.name) from error

    def __repr__(self) -> str:
        return f"<HttpProvider {self.name!r}>"


def _chunks(keys: Iterable[ObjectKey]) -> Iterator[list[ObjectKey]]:
    wanted = list(dict.fromkeys(keys))
    return (wanted[start : start + MAX_KEYS] for start in range(0, len(wanted), MAX_KEYS))


def _keys(data: bytes) -> list[ObjectKey]:
    if len(data) % KEY_SIZE:
        raise FormatError(f"keys have {KEY_SIZE} bytes each, found {len(data)} in all", offset=len(data), kind="InvalidAnswer")
    return [ObjectKey.from_bytes(data[at : at + KEY_SIZE]) for at in range(0, len(data), KEY_SIZE)]


def _frames(data: bytes) -> Iterator[tuple[list[ObjectKey], bytes]]:
    """Iterate over the objects of an answer to many keys."""
    at = 0
    while at < len(data):
        if at + FRAME.size > len(data):
            raise FormatError("the answer ends in the middle of an object", offset=at, kind="UnexpectedEOF")
        count, size = FRAME.unpack_from(data, at)
        start = at + FRAME.size + KEY_SIZE * count
        if start + size > len(data):
            raise FormatError("the answer ends in the middle of an object", offset=at, kind="UnexpectedEOF")
        yield _keys(data[at + FRAME.size : start]), data[start : start + size]
        at = start + size


def frame(keys: Sequence[ObjectKey], data: bytes) -> bytes:
    """Write one object of an answer to many keys."""
    return FRAME.pack(len(keys), len(data)) + b"".join(map(ObjectKey.to_bytes, keys)) + data


def open_http(location: str, **options: Any) -> HttpProvider:
    """Return the provider of a URL."""
    return HttpProvider(location, **options)
