"""Objects in any place that fsspec reaches: S3, GCS, Azure, WebDAV, SFTP, another directory.

Needs the extra ``miden[fsspec]``, and for most places one more library of fsspec's. Objects lie under their id, keys are small
files that name one. An object is written before the keys that lead to it, so a writer that is interrupted leaves nothing that
can be found; what survives a loss of power is what the place promises.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext, suppress

from miden.errors import BackendError, IntegrityError, MidenError, StorageError
from miden.store.envelope import object_id
from miden.store.keys import KEY_SIZE, ObjectKey
from miden.store.provider import Entry, ProviderStat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from miden.store.provider import StoredObject

ID_SIZE = 32


class FsspecProvider:
    """Keeps objects in a file system of fsspec.

    Parameters
    ----------
    url
        What fsspec understands, such as ``s3://bucket/path``.
    name
        For messages; the URL by default.
    writable
        False never writes.
    local
        Whether the place is this machine's own (see `miden.store.provider.Provider`).
    options
        Handed to fsspec: credentials, endpoints.

    Raises
    ------
    BackendError
        If fsspec, or what it needs for this kind of URL, is not installed.
    StorageError
        If the place cannot be reached.

    Examples
    --------
    >>> provider = FsspecProvider("memory://example")
    >>> provider.stat()
    ProviderStat(objects=0, keys=0, bytes=0)
    """

    def __init__(self, url: str, *, name: str | None = None, writable: bool = True, local: bool = False, **options: object) -> None:
        self.name = name or url
        self.writable = writable
        self.local = local
        try:
            import fsspec
        except ImportError as error:
            text = "the fsspec provider needs the fsspec library"
            raise BackendError(text, kind="MissingFsspec", hint="pip install 'miden[fsspec]'") from error
        try:
            with self._translated():
                self._files: Any
                self._files, root = fsspec.core.url_to_fs(url, **options)
        except ImportError as error:
            raise BackendError(f"fsspec cannot reach {url}: {error}", kind="MissingFsspec", hint=str(error)) from error
        except ValueError as error:
            raise StorageError(f"fsspec does not know {url}: {error}", kind="UnknownLocation", provider=self.name) from error
        self._root = root.rstrip("/")

    # -- reading

    def get(self, key: ObjectKey) -> bytes | None:
        """Return the bytes for a key, or None."""
        return self.get_many((key,)).get(key)

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        """Return the bytes for the keys there are, in two round trips."""
        ids = self._ids(keys)
        objects = self._read({own_id: self._object_path(own_id) for own_id in ids.values()})
        for key, own_id in ids.items():
            if own_id not in objects:
                raise IntegrityError(f"{self.name}: {key} leads to an object that is not there", expected=own_id.hex(), kind="DanglingKey")
        return {key: objects[own_id] for key, own_id in ids.items()}

    def contains(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """Return the keys there are."""
        return set(self._ids(tuple(keys)))

    def keys(self) -> Iterator[ObjectKey]:
        """Iterate over all keys, sorted."""
        return iter(sorted(ObjectKey.from_bytes(bytes.fromhex(name)) for name in self._names("keys", 2 * KEY_SIZE)))

    def stat(self) -> ProviderStat:
        """Count what is there."""
        sizes = self._names("objects", 2 * ID_SIZE)
        return ProviderStat(len(sizes), len(self._names("keys", 2 * KEY_SIZE)), sum(size for size, _ in sizes.values()))

    def _ids(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        found = {}
        for key, text in self._read({key: self._key_path(key) for key in keys}).items():
            if len(text) != ID_SIZE:
                raise IntegrityError(f"{self.name}: {key} leads nowhere", expected="32 bytes", found=f"{len(text)}", kind="DamagedKey")
            found[key] = text
        return found

    def _read(self, paths: dict[Any, str]) -> dict[Any, bytes]:
        """Return the content of the files that exist, by what they are asked for."""
        with self._translated():
            if len(paths) == 1:
                [(name, path)] = paths.items()
                try:
                    return {name: self._files.cat_file(path)}
                except FileNotFoundError:
                    return {}
            got = self._files.cat(list(paths.values()), on_error="return") if paths else {}
            found = {}
            for name, path in paths.items():
                data = got.get(path, got.get(self._files._strip_protocol(path)))
                if isinstance(data, Exception) and not isinstance(data, FileNotFoundError):
                    raise data
                if isinstance(data, bytes):
                    found[name] = data
            return found

    def _names(self, folder: str, length: int) -> dict[str, tuple[int, float]]:
        """Return the names below a folder, put together again -> size and time of the file."""
        with self._translated():
            try:
                found = self._files.find(f"{self._root}/{folder}", detail=True)
            except FileNotFoundError:
                return {}
        names = {}
        for path, facts in found.items():
            name = "".join(path.rsplit("/", 2)[-2:])
            if len(name) == length and set(name) <= set("0123456789abcdef"):
                names[name] = int(facts.get("size") or 0), _time_of(facts)
        return names

    # -- writing

    def put_many(self, objects: Iterable[StoredObject]) -> None:
        """Keep objects: first what they are, then the keys that lead there."""
        self._check_writable()
        pending = list(objects)
        known = self._ids([key for stored in pending for key in stored.keys])
        data: dict[bytes, bytes] = {}
        for keys, content in pending:
            own_id = object_id(content)
            for key in keys:
                if known.setdefault(key, own_id) == own_id:
                    data[own_id] = content
        with self._translated():
            for own_id, content in data.items():
                self._write(self._object_path(own_id), content)
            for key in dict.fromkeys(key for stored in pending for key in stored.keys):
                self._write(self._key_path(key), known[key])  # again, if it is there: that is its age

    def remove(self, keys: Iterable[ObjectKey]) -> int:
        """Forget keys, and objects without any."""
        self._check_writable()
        gone = self._ids(tuple(set(keys)))
        with self._translated():
            for key in gone:
                self._delete(self._key_path(key))
            left = set(self._leading().values()) if gone else set()
            for own_id in set(gone.values()) - left:
                self._delete(self._object_path(own_id))
        return len(gone)

    def quarantine(self, key: ObjectKey, reason: str, data: bytes | None = None) -> None:
        """Move the object of a key to a folder of damaged ones, with the reason beside it."""
        self._check_writable()
        try:
            own_id = self._ids((key,)).get(key)
        except IntegrityError:  # the key itself is damaged
            with self._translated():
                self._delete(self._key_path(key))
            return
        if own_id is None:
            return
        with self._translated():
            found = self._read({own_id: self._object_path(own_id)}).get(own_id)
            if data is not None and found != data:
                return
            for other, other_id in self._leading().items():
                if other_id == own_id:
                    self._delete(self._key_path(other))
            if found is not None:
                self._write(f"{self._root}/quarantine/{own_id.hex()}", found)
                self._write(f"{self._root}/quarantine/{own_id.hex()}.txt", f"{key}\n{reason}\n".encode())
                self._delete(self._object_path(own_id))

    def _leading(self) -> dict[ObjectKey, bytes]:
        """Return every key that can be read -> id."""
        keys = [ObjectKey.from_bytes(bytes.fromhex(name)) for name in self._names("keys", 2 * KEY_SIZE)]
        return {key: own_id for key, own_id in self._read({key: self._key_path(key) for key in keys}).items() if len(own_id) == ID_SIZE}

    def _write(self, path: str, data: bytes) -> None:
        """Write a file whole: on places where that is not one step, under another name first."""
        if not self._local_files():
            self._files.pipe_file(path, data)
            return
        import secrets

        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/.{name}.{secrets.token_hex(8)}"
        self._files.makedirs(folder, exist_ok=True)
        self._files.pipe_file(temporary, data)
        self._files.mv(temporary, path)

    def _local_files(self) -> bool:
        protocol = self._files.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def _delete(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._files.rm_file(path)

    def _check_writable(self) -> None:
        if not self.writable:
            raise StorageError(f"{self.name} is open for reading only", kind="ReadOnly", provider=self.name)

    # -- maintenance

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep nobody out: such places have no locks. Collect garbage where only one machine writes."""
        return nullcontext()

    def inventory(self) -> Iterator[Entry]:
        """Iterate over all objects, by id."""
        by_id: dict[bytes, list[ObjectKey]] = {}
        for key, own_id in self._leading().items():
            by_id.setdefault(own_id, []).append(key)
        for name, (size, written) in sorted(self._names("objects", 2 * ID_SIZE).items()):
            own_id = bytes.fromhex(name)
            yield Entry(own_id, tuple(sorted(by_id.get(own_id, ()))), size, written)

    def sweep(self, grace: float, *, dry_run: bool = False) -> int:
        """Delete objects that no key leads to and that are older than the grace period; return their bytes."""
        before, freed = time.time() - grace, 0
        for entry in list(self.inventory()):
            if not entry.keys and entry.written <= before:
                freed += entry.size
                if not dry_run:
                    with self._translated():
                        self._delete(self._object_path(entry.id))
        return freed

    def close(self) -> None:
        """Do nothing: fsspec keeps its connections."""

    def _key_path(self, key: ObjectKey) -> str:
        name = key.to_bytes().hex()
        return f"{self._root}/keys/{name[:10]}/{name[10:]}"

    def _object_path(self, own_id: bytes) -> str:
        name = own_id.hex()
        return f"{self._root}/objects/{name[:2]}/{name[2:]}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn whatever the place raises into ours: each has errors of its own."""
        try:
            yield
        except (MidenError, ImportError, ValueError):
            raise
        except PermissionError as error:
            raise StorageError(f"{self.name}: {error}", kind="PermissionDenied", provider=self.name) from error
        except Exception as error:
            raise StorageError(f"{self.name}: {error}", kind="ProviderFailed", provider=self.name) from error

    def __repr__(self) -> str:
        return f"<FsspecProvider {self.name!r}>"


def _time_of(facts: dict[str, Any]) -> float:
    """Return when a file was written, as the kind of place says it; now, where it does not."""
    for name in ("mtime", "LastModified", "created", "last_modified", "updated"):
        value = facts.get(name)
        if isinstance(value, (int, float)):
            return float(value)
        if value is not None and hasattr(value, "timestamp"):
            return float(value.timestamp())
    return time.time()


def open_fsspec(location: str, **options: Any) -> FsspecProvider:
    """Return the provider of a URL."""
    return FsspecProvider(location, **options)
