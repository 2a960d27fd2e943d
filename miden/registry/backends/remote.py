"""A registry that is reached by HTTP, and believed only as far as its pinned root metadata goes.

What is seen of it is verified by `miden.registry.trust.client`: index files by signatures, packages by the index and by the
log. Index files and packages are kept in a cache; with `offline` they are all there is, and were verified when they came.
What protects from old states of the registry is kept in `state`, which is not a cache.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from miden.errors import FormatError, InputError, IntegrityError, MidenError, NetworkError, NotFoundError
from miden.registry.folder import Folder
from miden.registry.http import HttpClient
from miden.registry.index import IndexEntry, describe
from miden.registry.names import PackageName, name_key, name_problem
from miden.registry.trust.client import TrustedRegistry
from miden.registry.trust.entries import event_leaf, index_file, read_index_file
from miden.registry.trust.repository import ADVISORIES, Target, index_path
from miden.serde.json_text import Fields, canonical_json, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from typing import Any

    from securesystemslib.signer import Signer

    from miden.field import Word
    from miden.registry.http import Budget

PINNED = "pinned-root.json"
MAX_ANSWER = 2**22
MAX_PAGES = 100
INTEGRITY = frozenset({"VersionExists", "VersionConflict"})
INPUT = frozenset({"NameClash", "NameTooSimilar", "Claimed", "TokenNeeded", "TokenUnknown", "TokenRevoked", "TokenExpired", "NotAllowed"})


class RemoteRegistry:
    """A registry at a URL; `miden.registry.backends.WritableRegistry` says what its methods do.

    Parameters
    ----------
    location
        ``https://host/path``; ``http://`` for this machine, or with `plain`.
    name
        What messages call it.
    root
        Root metadata that is trusted, as bytes or as a path; by default that which was pinned in `state` before.
    state
        Folder of what was seen of it; by default in the data folder of the user.
    cache
        Folder of index files and packages; by default in the cache folder of the user.
    token
        Allows to publish and yank.
    signers
        Keys of a publisher.
    adopt
        Sign for versions too that were published before the name was claimed.
    offline
        Ask nobody: answer from the cache.
    budget, plain
        As for `miden.registry.http.HttpClient`.
    certificates
        File of certificates to trust in place of the system's.

    Raises
    ------
    InputError
        Of kind ``RootNeeded`` if no root is pinned, of kind ``InvalidUrl``.
    BackendError
        An extra is not installed.
    """

    writable = True

    def __init__(
        self,
        location: str,
        name: str,
        *,
        root: bytes | str | os.PathLike[str] | None = None,
        state: str | os.PathLike[str] | None = None,
        cache: str | os.PathLike[str] | None = None,
        token: str | None = None,
        signers: Sequence[Signer] = (),
        adopt: bool = False,
        offline: bool = False,
        budget: Budget | None = None,
        plain: bool = False,
        certificates: str | None = None,
    ) -> None:
        self.name = name
        self.location = location
        self._token = token
        self._signers = list(signers)
        self._adopt = adopt
        self._state = Path(state) if state is not None else user_folder("data", location)
        self._cache = Folder(Path(cache) if cache is not None else user_folder("cache", location), create=True)
        self._files = self._cache.child("files", create=True)
        self._entries: dict[str, list[IndexEntry]] = {}
        self._client: HttpClient | None = None
        self._trusted: TrustedRegistry | None = None
        if not offline:
            pinned = self._pinned(root)
            self._client = HttpClient(location, budget=budget, plain=plain, trust=certificates)
            self._trusted = TrustedRegistry(self._client, self._state, pinned)

    def _pinned(self, root: bytes | str | os.PathLike[str] | None) -> bytes:
        if isinstance(root, bytes):
            return root
        try:
            return Path(self._state / PINNED if root is None else root).read_bytes()
        except FileNotFoundError:
            if root is not None:
                raise
            raise InputError(
                f"nothing is known yet that proves what {self.location} says",
                kind="RootNeeded",
                hint="get its root.json from its operator, and pin it: miden registry trust URL root.json",
            ) from None

    def pin(self, root: bytes) -> None:
        """Remember a root metadata to trust from now on."""
        with Folder(self._state, create=True) as folder:
            folder.write(PINNED, root)

    @property
    def origin(self) -> str:
        """What the log of the registry calls itself, as it was seen last; the empty string if it was not."""
        seen = None if self._trusted is None else self._trusted.checkpoint
        return "" if seen is None else seen.origin

    @property
    def logged(self) -> int:
        """How many entries its log had when it was seen last."""
        seen = None if self._trusted is None else self._trusted.checkpoint
        return 0 if seen is None else seen.size

    # reading

    def names(self, search: str | None = None) -> list[str]:
        """Return the names of all packages; the server is believed in this, as no harm is done by a name."""
        client = self._online("list packages")
        if search is not None:
            return sorted(name for name, _, _ in self.search(search))
        found: list[str] = []
        for _ in range(MAX_PAGES):
            after = found[-1] if found else ""
            page = Fields(_json(client, f"v1/names?after={after}"), "a list of names", "InvalidIndex").texts("names", limit=100_000)
            found += _names(page)
            if not page or name_key(page[-1]) <= name_key(after):
                break
        return found

    def search(self, text: str) -> list[tuple[str, str, str]]:
        """Return name, highest version and description of packages that contain a text."""
        from urllib.parse import quote

        answer = Fields(_json(self._online("search"), f"v1/search?q={quote(text, safe='')}"), "an answer to a search", "InvalidIndex")
        rows = [Fields(row, "a package", "InvalidIndex") for row in answer.items("packages", limit=10_000)]
        found = [(row.text("name", limit=200), row.text("version", limit=200), row.text("description")) for row in rows]
        _names([row[0] for row in found])
        return found

    def versions(self, name: str) -> list[IndexEntry]:
        """Return all versions of a package, as its signed index file has them."""
        PackageName(name)
        found = self._entries.get(name_key(name))
        if found is None:
            data = self._index_data(name)
            found = self._entries[name_key(name)] = [] if data is None else read_index_file(data, name)
        return [entry for entry in found if entry.name == name]

    def _index_data(self, name: str) -> bytes | None:
        file = index_path(name).replace("/", ",")
        if self._trusted is not None:
            return self._trusted.download(index_path(name), self._cache.path / file)
        try:
            return self._cache.read(file)
        except FileNotFoundError:
            message = f"{name} was never looked up in {self.name}, and it is not asked now"
            raise NetworkError(message, url=self.location, kind="Offline", hint="go online once") from None

    def fetch(self, entry: IndexEntry) -> bytes:
        """Return the bytes of a version, which must be in the log of the registry."""
        try:
            data = self._files.read(entry.sha256, limit=entry.size)
        except (FileNotFoundError, FormatError):
            data = b""
        if sha256(data).hexdigest() == entry.sha256:
            return data
        client = self._online(f"fetch {entry.name} {entry.version}")
        data = client.read(f"v1/files/{entry.sha256}", limit=entry.size)
        if sha256(data).hexdigest() != entry.sha256:
            raise IntegrityError(
                f"{self.name} sends something else for {entry.name} {entry.version}",
                expected=entry.sha256,
                found=sha256(data).hexdigest(),
                kind="PackageMismatch",
            )
        self._check_logged(event_leaf(entry, "publish"))
        self._files.write(entry.sha256, data)
        return data

    def _check_logged(self, leaf: bytes) -> None:
        """Check that an event is in the log, as it was seen last or as it is now."""
        assert self._trusted is not None
        try:
            self._trusted.check_logged(leaf)
        except IntegrityError:
            self._trusted.refresh()
            self._trusted.check_logged(leaf)

    def provides(self, root: Word) -> list[IndexEntry]:
        """Return the versions that have a root; the server only says where to look."""
        answer = Fields(_json(self._online("look for a root"), f"v1/provides/{root.to_hex()}"), "an answer about a root", "InvalidIndex")
        found: dict[tuple[str, str], IndexEntry] = {}
        for row in answer.items("packages", limit=1000):
            fields = Fields(row, "a package", "InvalidIndex")
            name, version = _names([fields.text("name", limit=200)])[0], fields.text("version", limit=200)
            for entry in self.versions(name):
                if entry.version == version and entry.provides(root):
                    found[entry.id] = entry
        return list(found.values())

    def advisories(self) -> bytes | None:
        """Return the signed list of advisories, or None if the registry has none."""
        if self._trusted is not None:
            return self._trusted.download(ADVISORIES, self._cache.path / ADVISORIES)
        return self._cache.read(ADVISORIES) if self._cache.has(ADVISORIES) else None

    def refresh(self) -> None:
        """Fetch and verify the newest state of the registry."""
        self._entries.clear()
        if self._trusted is not None:
            self._trusted.refresh()

    def close(self) -> None:
        """Let go of connections and folders."""
        if self._client is not None:
            self._client.close()
        self._files.close()
        self._cache.close()

    # writing

    def publish(self, data: bytes) -> IndexEntry:
        """Publish a package, signed if its name is claimed."""
        entry = describe(data)
        signed = self._signed(entry.name, lambda entries: [*(other for other in entries if other.version != entry.version), entry])
        answer = self._send("v1/packages", signed, data)
        if answer.with_yanked(None) != entry:
            raise IntegrityError(f"{self.name} says something else of {entry.name} {entry.version} than was sent", kind="PackageMismatch")
        return answer

    def yank(self, name: str, version: str, reason: str | None) -> IndexEntry:
        """Take a version back, or put it back, signed if its name is claimed."""

        def changed(entries: list[IndexEntry]) -> list[IndexEntry]:
            if all(entry.id != (name, version) for entry in entries):
                raise NotFoundError(f"there is no {name} {version} in {self.name}", kind="PackageNotFound")
            return [entry.with_yanked(reason) if entry.id == (name, version) else entry for entry in entries]

        signed = self._signed(PackageName(name).text, changed)
        return self._send("v1/yank", signed, canonical_json({"name": name, "version": version, "reason": reason}))

    def _signed(self, name: str, change: Callable[[list[IndexEntry]], list[IndexEntry]]) -> bytes:
        """Return the next metadata of the role that a name is claimed by, signed; nothing for a name that nobody claimed."""
        client = self._online("publish")
        fields = Fields(_json(client, f"v1/signing/{name}"), "an answer about signing", "InvalidIndex")
        role, version = fields.optional_text("role", limit=200), fields.number("version")
        if role is None:
            return b""
        if not self._signers:
            raise InputError(f"{name} is claimed by publishers, who sign it", kind="Claimed", hint="publish with --key FILE")
        from miden.registry.trust.publishing import sign_next

        assert self._trusted is not None
        self.refresh()
        entries = self.versions(name) if version else self._adopted(client, name)
        data = index_file(change(entries))
        before = self._trusted.role_metadata(role) if version else None
        return sign_next(before, {index_path(name): Target(len(data), sha256(data).hexdigest())}, self._signers)

    def _adopted(self, client: HttpClient, name: str) -> list[IndexEntry]:
        """Return what was published under a name before it was claimed, which its publishers have to stand for now."""
        try:
            data = client.read(f"v1/index/{name}", limit=MAX_ANSWER)
        except NotFoundError:
            return []
        entries = read_index_file(data, name)
        if not self._adopt:
            listed = ", ".join(f"{entry.version} ({entry.sha256[:16]}...)" for entry in entries[:5])
            raise InputError(
                f"{name} was published before it was claimed: {listed}", kind="AdoptionNeeded", hint="check them, and publish with --adopt"
            )
        return entries

    def _send(self, path: str, signed: bytes, data: bytes) -> IndexEntry:
        client = self._online("publish")
        headers = {} if self._token is None else {"authorization": f"Bearer {self._token}"}
        body = len(signed).to_bytes(4, "little") + signed + data
        try:
            answer = client.send("POST", path, data=body, headers=headers, limit=MAX_ANSWER)
        except NetworkError as error:
            raise _own_kind(error) from error
        self._entries.clear()
        self.refresh()
        return IndexEntry.from_line(answer.data)

    def _online(self, wish: str) -> HttpClient:
        if self._client is None:
            raise NetworkError(f"cannot {wish}: {self.name} is not asked while offline", url=self.location, kind="Offline")
        return self._client

    def __repr__(self) -> str:
        return f"<RemoteRegistry {self.name!r} at {self.location}>"


def user_folder(kind: str, location: str) -> Path:
    """Return the folder of a user for what is known of a registry: of kind ``data`` or ``cache``."""
    import platformdirs

    base = platformdirs.user_data_path("miden") if kind == "data" else platformdirs.user_cache_path("miden")
    return base / "registries" / sha256(location.rstrip("/").encode()).hexdigest()[:32]


def _json(client: HttpClient, path: str) -> Any:
    return parse_json(client.read(path, limit=MAX_ANSWER), f"the answer of {client.base}", limit=MAX_ANSWER)


def _names(names: list[str]) -> list[str]:
    """Return names that a server sent, if all of them are names."""
    for name in names:
        problem = name_problem(name)
        if problem:
            raise FormatError(f"the registry lists {name[:80]!a}, which cannot be a name: {problem}", kind="InvalidIndex")
    return names


def _own_kind(error: NetworkError) -> MidenError:
    """Return the error that a registry in a folder would raise for the same reason."""
    if error.kind in INTEGRITY:
        return IntegrityError(error.message, kind=error.kind, hint=error.hint)
    if error.kind in INPUT:
        return InputError(error.message, kind=error.kind, hint=error.hint)
    return error
