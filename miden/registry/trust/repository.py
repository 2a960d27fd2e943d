"""The signed metadata of a registry, as its owner makes it. (The Update Framework, specification 1.0.)

::

    root                    threshold of offline keys; says which keys the others have
    ├─ timestamp, snapshot  online keys; short-lived: what is the newest state
    └─ targets              offline key; delegates paths to
       ├─ ns-NAME           publishers: index/NAME/*, or one name; what they have not signed does not exist
       ├─ registry          online key: the checkpoint of the log, the advisories
       └─ packages          online key: every name nobody claimed, spread over hash bins

A target is the index file of one package name, so that one signature covers all versions of it with the digests of
their files.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from miden.errors import InputError, IntegrityError
from miden.registry.extras import require
from miden.registry.names import name_key
from miden.registry.trust.failures import translated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from securesystemslib.signer import Key, Signer
    from tuf.api.metadata import Metadata, TargetFile

    class MetadataStore(Protocol):
        """Where signed files are kept, by role and version."""

        def load(self, role: str, version: int | None = None) -> bytes | None:
            """Return a version of a role, the newest by default, or None."""

        def save(self, role: str, version: int, data: bytes) -> None:
            """Keep a version of a role, which becomes the newest."""


REGISTRY, PACKAGES, CLAIM = "registry", "packages", "ns-"
CHECKPOINT, ADVISORIES = "log/checkpoint", "advisories.json"
ONLINE = ("timestamp", "snapshot", REGISTRY, PACKAGES)
"""Roles whose keys the server needs."""

LIFETIMES = {"root": 365, "targets": 365, CLAIM: 365, REGISTRY: 30, PACKAGES: 30, "snapshot": 7, "timestamp": 1}
"""Days until metadata has to be signed again; the server does so when half of it is over."""

BIN_BITS = 6
"""64 bins: with 10,000 names each has some 160, about 20 KB."""


class Target(NamedTuple):
    """What metadata says of a file."""

    size: int
    sha256: str


def now() -> datetime:
    """Return the time in the resolution that metadata has."""
    return datetime.now(UTC).replace(microsecond=0)


def index_path(name: str) -> str:
    """Return the target path of the index file of a package: by the key of its name, so that a claim covers every spelling.

    >>> index_path("Acme/Big_Math")
    'index/acme/big-math'
    """
    return f"index/{name_key(name)}"


def claim_role(scope: str) -> str:
    """Return the role of a scope: a namespace written ``acme/*``, or one name.

    >>> claim_role("acme/*"), claim_role("acme/math")
    ('ns-acme', 'ns-acme.math!')
    """
    return CLAIM + name_key(scope.removesuffix("/*")).replace("/", ".") + ("" if scope.endswith("/*") else "!")


class SignedRepository:
    """Make and sign the metadata of a registry.

    Parameters
    ----------
    store
        Where the files are kept. A change of several files is whole only if the caller makes it so.
    signers
        Role -> keys; a role whose keys are kept elsewhere is left out.
    clock
        Tells the time.

    Changes are collected until `commit` signs a snapshot and a timestamp of them.
    """

    def __init__(self, store: MetadataStore, signers: Mapping[str, Sequence[Signer]], clock: Callable[[], datetime] = now) -> None:
        self.store = store
        self.signers = signers
        self.clock = clock
        self._api = require("tuf.api.metadata")
        self._changed: set[str] = set()

    # start

    def create(self, *, threshold: int = 1, bin_bits: int = BIN_BITS) -> bytes:
        """Make the first version of everything, and return the root that clients are to be given.

        Raises `InputError` of kind ``MissingKey`` unless `signers` has keys for every role, for the root as many as
        `threshold` at least.
        """
        api = self._api
        root = api.Root(expires=self._expires("root"), consistent_snapshot=True)
        for role in ("root", "timestamp", "snapshot", "targets"):
            for signer in self._keys(role):
                root.add_key(signer.public_key, role)
        if not 1 <= threshold <= len(self._keys("root")):
            raise InputError(f"{threshold} of {len(self._keys('root'))} root keys cannot sign", kind="MissingKey")
        root.roles["root"].threshold = threshold
        self._sign("root", api.Metadata(root))
        roles = {}
        for role, paths in ((REGISTRY, [CHECKPOINT, ADVISORIES]), (PACKAGES, ["index/*", "index/*/*"])):
            roles[role] = api.DelegatedRole(role, [], 1, terminating=True, paths=paths)
        targets = api.Targets(expires=self._expires("targets"), delegations=api.Delegations({}, roles))
        for role in roles:
            for signer in self._keys(role):
                targets.add_key(signer.public_key, role)
        self._sign("targets", api.Metadata(targets))
        self._sign(REGISTRY, api.Metadata(api.Targets(expires=self._expires(REGISTRY))))
        bins = api.SuccinctRoles([], 1, bin_bits, PACKAGES)
        packages = api.Targets(expires=self._expires(PACKAGES), delegations=api.Delegations({}, succinct_roles=bins))
        for signer in self._keys(PACKAGES):
            packages.add_key(signer.public_key)
        self._sign(PACKAGES, api.Metadata(packages))
        for name in bins.get_roles():
            self._sign(name, api.Metadata(api.Targets(expires=self._expires(name))))
        self._sign("snapshot", api.Metadata(api.Snapshot(expires=self._expires("snapshot"), meta={})), keep=False)
        self._sign("timestamp", api.Metadata(api.Timestamp(expires=self._expires("timestamp"))), keep=False)
        self.commit(first=True)
        return self._bytes("root")

    # what is signed

    def role_of(self, path: str) -> str:
        """Return the role that speaks for a target path."""
        role = next((name for name, _ in self._load("targets").signed.delegations.get_roles_for_target(path)), None)
        if role is None:
            raise InputError(f"no role speaks for {path}", kind="InvalidTarget")
        if role == PACKAGES:
            role, _ = next(iter(self._load(PACKAGES).signed.delegations.get_roles_for_target(path)))
        return str(role)

    def target(self, path: str) -> Target | None:
        """Return what is signed of a target, or None."""
        found = self._load(self.role_of(path)).signed.targets.get(path)
        return None if found is None else Target(found.length, found.hashes["sha256"])

    def set_targets(self, files: Mapping[str, Target]) -> None:
        """Sign new content of targets with the online keys.

        Raises `InputError` of kind ``Claimed`` for a path that belongs to a publisher, who has to sign it.
        """
        by_role: dict[str, dict[str, Target]] = {}
        for path, file in files.items():
            by_role.setdefault(self.role_of(path), {})[path] = file
        for role, changes in by_role.items():
            if role.startswith(CLAIM):
                raise InputError(f"{next(iter(changes))} is signed by its publisher alone", kind="Claimed")
            metadata = self._load(role)
            metadata.signed.targets.update({path: self._file(path, file) for path, file in changes.items()})
            self._renew(role, metadata)

    def accept(self, role: str, data: bytes, files: Mapping[str, Target]) -> None:
        """Take metadata that a publisher signed, in which only `files` may have changed.

        Raises `IntegrityError`: of kind ``UnsignedMetadata`` for signatures that are missing or of others, of kind
        ``VersionConflict`` unless it follows what is there, of kind ``InvalidMetadata`` for other differences.
        """
        api = self._api
        with translated(role):
            metadata = api.Metadata[api.Targets].from_bytes(data)
            self._load("targets").verify_delegate(role, metadata)
        before = self._maybe(role)
        version = 1 if before is None else before.signed.version + 1
        if metadata.signed.version != version:
            raise IntegrityError(
                f"the signed metadata of {role} has version {metadata.signed.version}, but {version} comes next",
                kind="VersionConflict",
                hint="somebody else published; fetch the metadata again and sign the next version",
            )
        if metadata.signed.is_expired(self.clock()):
            raise IntegrityError(f"the signed metadata of {role} has expired", kind="Expired")
        wanted = self._adopted(metadata.signed.targets) if before is None else dict(before.signed.targets)
        wanted.update({path: self._file(path, file) for path, file in files.items()})
        if metadata.signed.targets != wanted or metadata.signed.delegations is not None:
            raise IntegrityError(
                f"the signed metadata of {role} says something else than the package that was sent", kind="InvalidMetadata"
            )
        self._save(role, metadata.signed.version, data)

    def commit(self, *, first: bool = False) -> None:
        """Sign a snapshot and a timestamp of what was changed; nothing happens if nothing was."""
        if not self._changed:
            return
        api = self._api
        snapshot = self._load("snapshot")
        for role in sorted(self._changed):
            data = self._bytes(role)
            meta = api.MetaFile(self._load(role).signed.version, len(data), {"sha256": sha256(data).hexdigest()})
            snapshot.signed.meta[f"{role}.json"] = meta
        self._changed.clear()
        self._renew("snapshot", snapshot, bump=not first)
        self._timestamp(bump=not first)

    def refresh(self) -> bool:
        """Sign again what is past the half of its life and whose keys are here; return whether anything was."""
        bins = self._load(PACKAGES).signed.delegations.succinct_roles.get_roles()
        for role in (REGISTRY, PACKAGES, *bins):
            if self._is_old(role):
                self._renew(role, self._load(role))
        if self._changed or self._is_old("snapshot"):
            if not self._changed:
                self._renew("snapshot", self._load("snapshot"))
                self._timestamp()
            self.commit()
            return True
        if self._is_old("timestamp"):
            self._timestamp()
            return True
        return False

    # keys

    def delegate(self, scope: str, keys: Iterable[Key], threshold: int = 1) -> str:
        """Give a scope, ``acme/*`` or one name, to publishers; return the role. Needs the key of the role targets.

        What was published in it before is no longer signed until the publishers do so, with the first version of theirs.
        """
        api = self._api
        role = claim_role(scope)
        targets = self._load("targets")
        delegations = targets.signed.delegations
        listed = list(keys)
        if not 1 <= threshold <= len(listed):
            raise InputError(f"{threshold} of {len(listed)} keys cannot sign for {scope}", kind="MissingKey")
        made = api.DelegatedRole(role, [], threshold, terminating=True, paths=[index_path(scope)])
        delegations.roles = {role: made, **{name: old for name, old in delegations.roles.items() if name != role}}
        for key in listed:
            targets.signed.add_key(key, role)
        self._renew("targets", targets)
        return role

    def rotate(self, role: str, new: Sequence[Signer], threshold: int | None = None) -> None:
        """Replace all keys of a role. The root is signed with the old and the new keys, so that clients follow."""
        owner = "root" if role in ("root", "timestamp", "snapshot", "targets") else "targets"
        metadata = self._load(owner)
        roles = metadata.signed.roles if owner == "root" else metadata.signed.delegations.roles
        old = [signer for signer in self.signers.get(role, ()) if signer.public_key.keyid in roles[role].keyids]
        if role == "root" and len(old) < roles[role].threshold:
            message = f"{roles[role].threshold} of the old keys have to sign a new root, found {len(old)}"
            raise InputError(message, kind="MissingKey", hint="without them no client would follow")
        for keyid in list(roles[role].keyids):
            metadata.signed.revoke_key(keyid, role)
        for signer in new:
            metadata.signed.add_key(signer.public_key, role)
        if threshold is not None:
            roles[role].threshold = threshold
        self.signers = {**self.signers, role: list(new)}
        self._renew(owner, metadata, also=old if role == "root" else ())
        if role == PACKAGES:
            packages = self._load(PACKAGES)
            bins = packages.signed.delegations.succinct_roles
            for keyid in list(bins.keyids):
                packages.signed.revoke_key(keyid)
            for signer in new:
                packages.signed.add_key(signer.public_key)
            bins.threshold = roles[role].threshold
            self._renew(PACKAGES, packages)
            for name in bins.get_roles():
                self._renew(name, self._load(name))
        elif role not in ("root", "timestamp", "snapshot"):
            self._renew(role, self._load(role))
        if owner == "root":  # the root is no part of a snapshot, but its new keys have to sign
            self._renew("snapshot", self._load("snapshot"))
            self._timestamp()
        self.commit()

    # parts

    def _adopted(self, targets: Mapping[str, TargetFile]) -> dict[str, TargetFile]:
        """Return those of the targets that were published before somebody claimed their scope."""
        packages = self._load(PACKAGES).signed.delegations
        adopted = {}
        for path in targets:
            role, _ = next(iter(packages.get_roles_for_target(path)))
            found = self._load(role).signed.targets.get(path)
            if found is not None:
                adopted[path] = found
        return adopted

    def _keys(self, role: str, root: Any = None) -> Sequence[Signer]:
        """Return the keys of a role that are here and that it names; for a new root, those that this one names."""
        owner = PACKAGES if role.startswith(f"{PACKAGES}-") else role
        found = self.signers.get(owner, ())
        if len(found) > 1 and self.store.load("targets") is not None:  # old keys may still lie about
            top = owner in ("root", "timestamp", "snapshot", "targets")
            roles = (root or self._load("root").signed).roles if top else self._load("targets").signed.delegations.roles
            found = [signer for signer in found if signer.public_key.keyid in roles[owner].keyids]
        if not found:
            raise InputError(
                f"the key of the role {owner} is not here", kind="MissingKey", hint="keys of root and targets are kept offline; say where"
            )
        return found

    def _expires(self, role: str) -> datetime:
        return self.clock() + self._lifetime(role)

    def _lifetime(self, role: str) -> timedelta:
        for prefix, days in LIFETIMES.items():
            if role.startswith(prefix):
                return timedelta(days=days)
        return timedelta(days=LIFETIMES["targets"])

    def _is_old(self, role: str) -> bool:
        left: timedelta = self._load(role).signed.expires - self.clock()
        return left < self._lifetime(role) / 2

    def _file(self, path: str, file: Target) -> TargetFile:
        made: TargetFile = self._api.TargetFile(file.size, {"sha256": file.sha256}, path)
        return made

    def _renew(self, role: str, metadata: Metadata[Any], *, bump: bool = True, also: Iterable[Signer] = ()) -> None:
        """Sign the next version of a role."""
        if bump:
            metadata.signed.version += 1
        metadata.signed.expires = self._expires(role)
        self._sign(role, metadata, also=also, keep=role not in ("root", "snapshot", "timestamp"))

    def _timestamp(self, *, bump: bool = True) -> None:
        data = self._bytes("snapshot")
        timestamp = self._load("timestamp")
        version = self._load("snapshot").signed.version
        timestamp.signed.snapshot_meta = self._api.MetaFile(version, len(data), {"sha256": sha256(data).hexdigest()})
        self._renew("timestamp", timestamp, bump=bump)

    def _sign(self, role: str, metadata: Metadata[Any], *, also: Iterable[Signer] = (), keep: bool = True) -> None:
        metadata.signatures.clear()
        for signer in (*also, *self._keys(role, metadata.signed if role == "root" else None)):
            metadata.sign(signer, append=True)
        self._save(role, metadata.signed.version, metadata.to_bytes(), keep=keep and role != "root")

    def _save(self, role: str, version: int, data: bytes, *, keep: bool = True) -> None:
        self.store.save(role, version, data)
        if keep:
            self._changed.add(role)

    def _bytes(self, role: str) -> bytes:
        data = self.store.load(role)
        if data is None:
            raise InputError(f"there is no metadata of the role {role}", kind="MissingMetadata")
        return data

    def _load(self, role: str) -> Metadata[Any]:
        made: Metadata[Any] = self._api.Metadata.from_bytes(self._bytes(role))
        return made

    def _maybe(self, role: str) -> Metadata[Any] | None:
        return None if self.store.load(role) is None else self._load(role)
