"""A cache of what was assembled, found by the content of everything that went into it.

A key is the BLAKE2b hash of sources, options, dependencies and our own version; an entry is the bytes of the artifact.
The directory may be deleted at any time, shared by processes, and lie on a full or read-only disk: what cannot be read
is a miss, what cannot be written is not kept. Entries carry a checksum, so a damaged one is a miss as well.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from miden._version import __version__
from miden.package.files import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Any

MAGIC = b"MIDENBC1"
_CHECKSUM = 32
_HEAD = len(MAGIC) + _CHECKSUM + 4
TAG = "CACHEDIR.TAG"
TAG_TEXT = b"Signature: 8a477f597d28d172789f06886806bc55\n# Made by miden. It is safe to delete this directory.\n"


class CacheEntry:
    """What was found: the bytes of an artifact, and facts that its maker wanted to keep with it."""

    __slots__ = ("data", "facts")

    def __init__(self, data: bytes, facts: dict[str, Any]) -> None:
        self.data = data
        self.facts = facts


class BuildCache:
    """Entries in a directory, made when it is first written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = BuildCache(folder)
    ...     key = content_key("demo", b"source")
    ...     cache.put(key, b"artifact", {"warnings": []})
    ...     cache.get(key).data, cache.get(content_key("other"))
    (b'artifact', None)
    """

    __slots__ = ("directory", "hits", "misses")

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self.hits = 0
        self.misses = 0

    def get(self, key: str) -> CacheEntry | None:
        """Return the entry of a key, or None if there is none that is whole."""
        import json

        try:
            content = self._path(key).read_bytes()
        except OSError:
            content = b""
        body = content[len(MAGIC) + _CHECKSUM :]
        if content[: len(MAGIC)] != MAGIC or blake2b(body, digest_size=_CHECKSUM).digest() != content[len(MAGIC) : len(MAGIC) + _CHECKSUM]:
            self.misses += 1
            return None
        self.hits += 1
        end = _HEAD + int.from_bytes(body[:4], "little")
        return CacheEntry(content[end:], json.loads(content[_HEAD:end]))

    def put(self, key: str, data: bytes, facts: dict[str, Any] | None = None) -> None:
        """Keep an artifact under a key, with facts that JSON can hold."""
        import json

        encoded = json.dumps(facts or {}).encode()
        body = len(encoded).to_bytes(4, "little") + encoded + data
        path = self._path(key)
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                tag = self.directory / TAG
                if not tag.exists():
                    write_whole(tag, TAG_TEXT, durable=False)
            write_whole(path, MAGIC + blake2b(body, digest_size=_CHECKSUM).digest() + body, durable=False)
        except OSError:  # a full or read-only disk: the build goes on without
            return

    def clear(self) -> None:
        """Delete all entries."""
        import shutil

        shutil.rmtree(self.directory, ignore_errors=True)

    def _path(self, key: str) -> Path:
        return self.directory / key[:2] / key[2:]

    def __repr__(self) -> str:
        return f"<BuildCache {str(self.directory)!r}, {self.hits} hits, {self.misses} misses>"


def content_key(*parts: str | bytes | None) -> str:
    """Return the key of some parts, each told from the next, and from an absent one; our own version is part of it.

    >>> content_key("ab", "c") == content_key("a", "bc")
    False
    """
    state = blake2b(digest_size=32)
    _update(state.update, (__version__, *parts))
    return state.hexdigest()


def bytes_key(data: bytes) -> str:
    """Return the hash of some bytes, as a part of keys."""
    return blake2b(data, digest_size=32).hexdigest()


def _update(update: Any, parts: Iterable[str | bytes | None]) -> None:
    for part in parts:
        if part is None:
            update(b"-")
            continue
        data = part.encode() if isinstance(part, str) else part
        update(b"+" + len(data).to_bytes(8, "little"))
        update(data)
