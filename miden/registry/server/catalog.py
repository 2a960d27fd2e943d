"""A registry in a folder: what was published, and everything that proves it. No HTTP here.

::

    registry.db     index, signed metadata, log, tokens: one SQLite database
    files/ab/HASH   the packages, named by their SHA-256
    damaged/        files that no longer were what they are called
    keys/online/    keys of timestamp, snapshot, registry and packages, which serving needs
    keys/offline/   keys of root and targets: move them away, and name their folder when they are needed
    root.json       what clients are to be given

A package is written before the one transaction that makes it known: who is killed in between leaves a file that nobody
refers to. Whatever is served is hashed first; a damaged file is set aside, and written anew by whoever has its content.
"""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from miden.errors import InputError, IntegrityError, MidenError, NotFoundError
from miden.package.requirements import version_key
from miden.registry.backends.indexed import find_published
from miden.registry.folder import READ_ONLY, Folder
from miden.registry.index import MAX_PACKAGE, IndexEntry, describe
from miden.registry.names import name_key, skeleton
from miden.registry.server.database import Database
from miden.registry.server.keys import OFFLINE, ONLINE_FOLDER, RoleKeys, load_signers, make_keys
from miden.registry.server.tables import LogNodes, MetadataTable
from miden.registry.trust.entries import event_leaf, index_file
from miden.registry.trust.log import Checkpoint, MerkleLog, leaf_hash
from miden.registry.trust.repository import ADVISORIES, BIN_BITS, CHECKPOINT, CLAIM, SignedRepository, Target, index_path
from miden.registry.trust.roles import describe_roles

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Sequence

    from miden.registry.trust.roles import RoleFacts

DATABASE, FILES, DAMAGED, ROOT = "registry.db", "files", "damaged", "root.json"
MAX_FOUND = 100
"""Rows that a search returns at most."""
FORGET_METADATA = (
    "DELETE FROM metadata WHERE made < ? AND role != 'root' AND (role, version) NOT IN (SELECT role, version FROM newest)"
)
FORGET_TARGETS = "DELETE FROM targets WHERE made < ? AND path NOT IN (SELECT value FROM settings WHERE name LIKE 'target %')"
KEPT_SECONDS = 3 * 24 * 3600
"""How long superseded metadata and index files stay, for clients that are half-way through."""


class Published(NamedTuple):
    """A version that was published: its entry, when and with which token."""

    entry: IndexEntry
    time: int
    publisher: str


class Found(NamedTuple):
    """A package that a search found, with its highest version."""

    name: str
    version: str
    description: str


class Catalog:
    """The registry in a folder. All methods may be called by several threads and processes at once.

    Raises `NotFoundError` of kind ``RegistryNotFound`` if the folder holds none.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.database = Database(self.folder / DATABASE)
        self._files = Folder(self.folder / FILES)
        with self.database.reading() as connection:
            self.origin = str(connection.execute("SELECT value FROM settings WHERE name = 'origin'").fetchone()[0])

    @classmethod
    def create(
        cls,
        folder: str | os.PathLike[str],
        origin: str,
        *,
        root_keys: int = 1,
        threshold: int = 1,
        offline: str | os.PathLike[str] | None = None,
        bin_bits: int = BIN_BITS,
    ) -> Catalog:
        """Make a registry with new keys in a folder that is empty or not there.

        `origin` is the name of its log, `offline` the folder for keys of root and targets; inside of it by default.
        """
        path = Path(folder)
        if path.is_dir() and any(path.iterdir()):
            raise InputError(f"{path} is not empty", kind="FileExists", hint="choose a folder that is new or empty")
        if not origin or len(origin) > 200 or not origin.isprintable():
            raise InputError(f"{origin[:80]!a} cannot be the name of a registry", kind="InvalidName")
        path.mkdir(parents=True, exist_ok=True)
        online, held_back = path / ONLINE_FOLDER, path / OFFLINE if offline is None else Path(offline)
        signers = make_keys(online, held_back, root_keys)
        for name in (FILES, DAMAGED):
            (path / name).mkdir(mode=0o700)
        database = Database(path / DATABASE, create=True)
        with database.writing() as connection:
            connection.execute("INSERT INTO settings VALUES ('origin', ?)", (origin,))
            repository = SignedRepository(MetadataTable(connection), signers)
            root = repository.create(threshold=threshold, bin_bits=bin_bits)
            _sign_checkpoint(connection, repository, origin)
            repository.commit()
        database.close()
        with Folder(path) as made:
            made.write(ROOT, root)
        return cls(path)

    def close(self) -> None:
        """Let go of the database and the folder."""
        self.database.close()
        self._files.close()

    # what was published

    def names(self, search: str | None = None, *, limit: int = 10**9) -> list[Found]:
        """Return packages in the order of their names, those whose name or description contains `search`."""
        pattern = "%" + (search or "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT name, description FROM names WHERE name LIKE ? ESCAPE '\\' OR description LIKE ? ESCAPE '\\' ORDER BY key LIMIT ?",
                (pattern, pattern, limit),
            ).fetchall()
            return [Found(name, _highest(connection, name), description) for name, description in rows]

    def names_after(self, name: str, limit: int) -> list[str]:
        """Return the names that come after one, in order."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT name FROM names WHERE key > ? ORDER BY key LIMIT ?", (name_key(name), limit))
            return [row[0] for row in rows]

    def versions(self, name: str) -> list[Published]:
        """Return the versions of a package, lowest first; of every spelling of its name."""
        with self.database.reading() as connection:
            return _versions(connection, name)

    def provides(self, root: bytes) -> list[IndexEntry]:
        """Return the versions that have a root, a hundred at most."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT line FROM roots JOIN versions USING (name, version) WHERE root = ? LIMIT ?", (root, MAX_FOUND)
            ).fetchall()
        return [IndexEntry.from_line(row[0]) for row in rows]

    def recent(self, limit: int) -> list[tuple[str, str, int]]:
        """Return name, version and time of what was published last."""
        with self.database.reading() as connection:
            return connection.execute("SELECT name, version, published FROM versions ORDER BY published DESC LIMIT ?", (limit,)).fetchall()

    def counts(self) -> tuple[int, int]:
        """Return how many names and versions there are."""
        with self.database.reading() as connection:
            names = connection.execute("SELECT count(*) FROM names").fetchone()[0]
            return names, connection.execute("SELECT count(*) FROM versions").fetchone()[0]

    # what is served

    def metadata(self, role: str, version: int | None = None) -> bytes | None:
        """Return signed metadata, or None."""
        with self.database.reading() as connection:
            return MetadataTable(connection).load(role, version)

    def target(self, path: str) -> bytes | None:
        """Return a target by its path with the hash in it, or None; `IntegrityError` of kind ``Damaged`` if it was changed."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT CAST(data AS BLOB) FROM targets WHERE path = ?", (path,)).fetchone()
        if row is None:
            return None
        data: bytes = row[0]
        if sha256(data).hexdigest() != path.rpartition("/")[2].partition(".")[0]:
            raise IntegrityError(f"the index file {path} is damaged", kind="Damaged")
        return data

    def has_file(self, digest: str) -> bool:
        """Tell whether a package with this SHA-256 was published."""
        with self.database.reading() as connection:
            return connection.execute("SELECT 1 FROM versions WHERE sha256 = ?", (digest,)).fetchone() is not None

    def file(self, digest: str) -> bytes | None:
        """Return the package with this SHA-256, or None if none was published.

        Raises `IntegrityError` of kind ``Damaged`` if the file is not what it is called: it is set aside.
        """
        if not self.has_file(digest):
            return None
        try:
            with self._files.child(digest[:2]) as folder:
                data = folder.read(digest, limit=MAX_PACKAGE)
        except (FileNotFoundError, IntegrityError) as error:
            raise IntegrityError(f"the file of package {digest} is missing", kind="Damaged") from error
        if sha256(data).hexdigest() != digest:
            self._set_aside(digest)
            raise IntegrityError(f"the file of package {digest} is damaged; it was set aside", kind="Damaged")
        return data

    def restore(self, data: bytes) -> bool:
        """Write the file of a published package anew if it is missing or damaged; return whether it was needed."""
        digest = sha256(data).hexdigest()
        if not self.has_file(digest):
            raise NotFoundError(f"no package with the SHA-256 {digest} was published", kind="PackageNotFound")
        try:
            if self.file(digest) == data:
                return False
        except IntegrityError:
            self._write(digest, data)
            return True
        return False

    def _write(self, digest: str, data: bytes) -> None:
        with self._files.child(digest[:2], create=True) as folder:
            folder.write(digest, data, mode=READ_ONLY)
        self._files.sync()

    def _set_aside(self, digest: str) -> None:
        with self._files.child(digest[:2]) as folder, Folder(self.folder / DAMAGED, create=True) as aside:
            if folder.has(digest):
                (folder.path / digest).rename(aside.path / f"{digest}.{time.time_ns()}")

    # the log

    def checkpoint(self) -> Checkpoint:
        """Return the newest state of the log."""
        with self.database.reading() as connection:
            log = _log(connection)
            return Checkpoint(self.origin, log.size, log.root())

    def inclusion(self, leaf: bytes, size: int) -> tuple[int, list[bytes]]:
        """Return the index of a leaf and the proof that it is among the first `size`; `NotFoundError` if it is not."""
        with self.database.reading() as connection:
            log = _log(connection)
            row = connection.execute("SELECT position FROM log_entries WHERE leaf = ? AND position < ?", (leaf, size)).fetchone()
            if row is None or size > log.size:
                raise NotFoundError("the log has no such entry", kind="NotInLog")
            return row[0], log.inclusion_proof(row[0], size)

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Return the proof that the log only grew from `first` to `second`; `NotFoundError` for sizes it never had."""
        with self.database.reading() as connection:
            log = _log(connection)
            if not 0 <= first <= second <= log.size:
                raise NotFoundError(f"the log has {log.size} entries", kind="NotInLog")
            return log.consistency_proof(first, second)

    def log_entries(self, start: int, end: int) -> list[str]:
        """Return entries of the log, a thousand at most."""
        with self.database.reading() as connection:
            query = "SELECT CAST(data AS BLOB) FROM log_entries WHERE position >= ? AND position < ? ORDER BY position"
            rows = connection.execute(query, (start, min(end, start + 1000)))
            return [row[0].decode(errors="replace") for row in rows]

    # changes

    def publish(self, data: bytes, *, signed: bytes = b"", publisher: str = "", entry: IndexEntry | None = None) -> tuple[IndexEntry, bool]:
        """Add a package that was verified; return its entry and whether it is new.

        Parameters
        ----------
        data
            The file.
        signed
            Metadata that its publishers signed, if its name is claimed.
        publisher
            Id of the token that was used.
        entry
            What `describe` said of the file, if the caller has it.

        Raises
        ------
        IntegrityError
            Of kind ``VersionExists`` for other bytes under a version that is there, or as `SignedRepository.accept`.
        InputError
            Of kind ``NameClash`` or ``NameTooSimilar``; of kind ``Claimed`` if the publishers have to sign.
        """
        entry = describe(data) if entry is None else entry
        with self.database.reading() as connection:
            if _exists(connection, entry):
                self.restore(data)
                return entry, False
        self._write(entry.sha256, data)
        with self.database.writing() as connection:
            if _exists(connection, entry):
                return entry, False
            now = int(time.time())
            _insert_name(connection, entry)
            connection.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)", (*entry.id, entry.to_line(), entry.sha256, now, publisher)
            )
            roots = {root.to_bytes() for root in (entry.code, *entry.exports.values())}
            connection.executemany("INSERT INTO roots VALUES (?, ?, ?)", [(root, *entry.id) for root in roots])
            self._announce(connection, entry, "publish", signed)
        return entry, True

    def yank(self, name: str, version: str, reason: str | None, *, signed: bytes = b"") -> IndexEntry:
        """Take a version back for a reason, or put it back with None."""
        with self.database.writing() as connection:
            row = connection.execute("SELECT line FROM versions WHERE name = ? AND version = ?", (name, version)).fetchone()
            if row is None:
                raise NotFoundError(f"there is no {name} {version} in this registry", kind="PackageNotFound")
            entry = IndexEntry.from_line(row[0])
            if entry.yanked == reason:
                return entry
            entry = entry.with_yanked(reason)
            connection.execute("UPDATE versions SET line = ? WHERE name = ? AND version = ?", (entry.to_line(), name, version))
            self._announce(connection, entry, "unyank" if reason is None else "yank", signed)
        return entry

    def advise(self, data: bytes) -> None:
        """Replace the list of advisories by one that was checked."""
        with self.database.writing() as connection:
            repository = self._repository(connection)
            repository.set_targets({ADVISORIES: _put_target(connection, ADVISORIES, data)})
            repository.commit()

    def claim(self, scope: str, keys: Sequence[str | os.PathLike[str]], threshold: int, offline: str | os.PathLike[str] | None) -> str:
        """Give a scope, ``acme/*`` or one name, to the publishers with these public keys; return the role."""
        from miden.registry.server.tokens import check_pattern
        from miden.registry.trust.signing import load_public_key

        check_pattern(scope)
        with self.database.writing() as connection:
            repository = self._repository(connection, offline)
            role = repository.delegate(scope, [load_public_key(path) for path in keys], threshold)
            repository.commit()
        return role

    def rotate(self, role: str, offline: str | os.PathLike[str] | None) -> None:
        """Make new keys for a role, as many as it had, and take the old ones from it; their files get the ending ``.old``."""
        keys = RoleKeys(self.folder, offline, role)
        count = next(len(item.keys) for item in self.roles() if item.role == role)
        new = keys.make(count)
        try:
            with self.database.writing() as connection:
                self._repository(connection, offline).rotate(role, new)
        except MidenError:
            keys.discard(new)
            raise
        keys.retire()
        root = self.metadata("root")
        assert root is not None
        with Folder(self.folder) as folder:
            folder.write(ROOT, root)

    def refresh(self) -> float:
        """Sign again what is past the half of its life and forget what nobody needs; return when to ask again, a Unix time."""
        with self.database.writing() as connection:
            self._repository(connection).refresh()
            old = int(time.time()) - KEPT_SECONDS
            connection.execute(FORGET_METADATA, (old,))
            connection.execute(FORGET_TARGETS, (old,))
        return time.time() + 3600

    def roles(self, offline: str | os.PathLike[str] | None = None) -> list[RoleFacts]:
        """Return what is known of every role but the bins."""
        with self.database.reading() as connection:
            return describe_roles(MetadataTable(connection), load_signers(self.folder, offline))

    def signing(self, name: str) -> tuple[str | None, int]:
        """Return the role that has to sign for a name and the version it has, None and 0 if the registry itself does."""
        with self.database.reading() as connection:
            repository = self._repository(connection)
            role = repository.role_of(index_path(name))
            if not role.startswith(CLAIM):
                return None, 0
            row = connection.execute("SELECT version FROM newest WHERE role = ?", (role,)).fetchone()
            return role, 0 if row is None else row[0]

    def _repository(self, connection: sqlite3.Connection, offline: str | os.PathLike[str] | None = None) -> SignedRepository:
        return SignedRepository(MetadataTable(connection), load_signers(self.folder, offline))

    def _announce(self, connection: sqlite3.Connection, entry: IndexEntry, event: str, signed: bytes) -> None:
        """Log a change, and sign the new index file of its name."""
        data = event_leaf(entry, event)
        leaf = leaf_hash(data)
        index = _log(connection).append(leaf)
        connection.execute("INSERT INTO log_entries VALUES (?, ?, ?)", (index, leaf, data))
        repository = self._repository(connection)
        path = index_path(entry.name)
        target = _put_target(connection, path, index_file(item.entry for item in _versions(connection, entry.name)))
        role = repository.role_of(path)
        if not role.startswith(CLAIM):
            repository.set_targets({path: target})
        elif signed:
            repository.accept(role, signed, {path: target})
        else:
            raise InputError(f"{entry.name} belongs to publishers who have to sign it", kind="Claimed", hint="publish with --key")
        _sign_checkpoint(connection, repository, self.origin)
        repository.commit()


def _versions(connection: sqlite3.Connection, name: str) -> list[Published]:
    rows = connection.execute(
        "SELECT line, published, publisher FROM versions JOIN names USING (name) WHERE key = ?", (name_key(name),)
    ).fetchall()
    found = [Published(IndexEntry.from_line(line), published, publisher) for line, published, publisher in rows]
    return sorted(found, key=lambda item: (version_key(item.entry.version), item.entry.version))


def _highest(connection: sqlite3.Connection, name: str) -> str:
    versions: list[str] = [row[0] for row in connection.execute("SELECT version FROM versions WHERE name = ?", (name,))]
    return max(versions, key=version_key)


def _exists(connection: sqlite3.Connection, entry: IndexEntry) -> bool:
    """Tell whether this very package is published; refuse one that cannot be beside those that are."""
    return find_published(entry, [item.entry for item in _versions(connection, entry.name)]) is not None


def _insert_name(connection: sqlite3.Connection, entry: IndexEntry) -> None:
    look = skeleton(entry.name)
    row = connection.execute("SELECT name FROM names WHERE skeleton = ? AND name != ?", (look, entry.name)).fetchone()
    known = connection.execute("SELECT 1 FROM names WHERE name = ?", (entry.name,)).fetchone()
    if row is not None and known is None:
        raise InputError(
            f"{entry.name} could be taken for {row[0]}", kind="NameTooSimilar", hint="choose a name that nobody mistakes for another"
        )
    if known is None:
        connection.execute("INSERT INTO names VALUES (?, ?, ?, ?)", (name_key(entry.name), entry.name, look, entry.description))
    elif version_key(entry.version) > version_key(_highest(connection, entry.name)):
        connection.execute("UPDATE names SET description = ? WHERE name = ?", (entry.description, entry.name))


def _put_target(connection: sqlite3.Connection, path: str, data: bytes) -> Target:
    """Keep the content of a target under its path with its hash, as clients ask for it."""
    digest = sha256(data).hexdigest()
    folder, slash, name = path.rpartition("/")
    hashed = f"{folder}{slash}{digest}.{name}"
    connection.execute("INSERT OR REPLACE INTO targets VALUES (?, ?, ?)", (hashed, data, int(time.time())))
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (f"target {path}", hashed))
    return Target(len(data), digest)


def _log(connection: sqlite3.Connection) -> MerkleLog:
    last = connection.execute("SELECT max(position) FROM log_nodes WHERE level = 0").fetchone()[0]
    return MerkleLog(LogNodes(connection), 0 if last is None else last + 1)


def _sign_checkpoint(connection: sqlite3.Connection, repository: SignedRepository, origin: str) -> None:
    log = _log(connection)
    data = Checkpoint(origin, log.size, log.root()).to_bytes()
    repository.set_targets({CHECKPOINT: _put_target(connection, CHECKPOINT, data)})
