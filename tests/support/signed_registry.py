"""A registry's signed metadata in memory, with every key at hand, and what an attacker can do to it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from miden.registry.trust import repository as tuf
from miden.registry.trust.log import Checkpoint, MerkleLog, leaf_hash
from miden.registry.trust.repository import CHECKPOINT, SignedRepository, Target
from miden.registry.trust.signing import generate_key
from tests.support.loopback import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from securesystemslib.signer import CryptoSigner

ORIGIN = "test registry"
CLAIMED, FREE = "index/acme/math", "index/free"
OWN = ("root", "timestamp", "snapshot", "targets")


@cache
def key(name: str) -> CryptoSigner:
    """Return the key of this name; the same for all tests."""
    return generate_key()


class MemoryStore:
    """Metadata in memory."""

    def __init__(self) -> None:
        self.files: dict[str, dict[int, bytes]] = {}
        self.newest: dict[str, int] = {}

    def load(self, role: str, version: int | None = None) -> bytes | None:
        versions = self.files.get(role, {})
        return versions.get(self.newest[role] if version is None and versions else version or 0)

    def save(self, role: str, version: int, data: bytes) -> None:
        self.files.setdefault(role, {})[version] = data
        self.newest[role] = version


class World:
    """A registry with a claimed name and a free one, and the server that serves it."""

    def __init__(self, threshold: int = 1) -> None:
        self.offset = timedelta()
        self.store = MemoryStore()
        self.signers = {role: [key(f"{role}-{number}") for number in range(threshold)] for role in (*OWN, "registry", "packages")}
        self.repository = SignedRepository(self.store, self.signers, self.clock)
        self.pinned = self.repository.create(threshold=threshold, bin_bits=1)
        self.threshold = threshold
        if threshold > 1:
            for role in ("timestamp", "snapshot", "targets", "registry", "packages"):
                self.repository.rotate(role, self.signers[role], threshold)
        self.publishers = [key(f"acme-{number}") for number in range(threshold)]
        self.claim = self.repository.delegate("acme/*", [signer.public_key for signer in self.publishers], threshold)
        self.targets: dict[str, bytes] = {}
        self.log = MerkleLog()
        self.overrides: dict[str, Reply] = {}
        self.publish(b"first")

    def clock(self) -> datetime:
        return tuf.now() + self.offset

    @property
    def roles(self) -> list[str]:
        """Every role that a client meets on its way to the two names, the root first."""
        return [*OWN, "registry", "packages", self.repository.role_of(FREE), self.claim]

    def put(self, path: str, data: bytes) -> Target:
        digest = sha256(data).hexdigest()
        folder, slash, name = path.rpartition("/")
        self.targets[f"{folder}{slash}{digest}.{name}"] = data
        return Target(len(data), digest)

    def publish(self, data: bytes) -> None:
        """Publish new content of both names: every role but root and targets gets a new version."""
        self.log.append(leaf_hash(data))
        self.repository.set_targets({FREE: self.put(FREE, data), CHECKPOINT: self.put(CHECKPOINT, self.checkpoint().to_bytes())})
        target = self.put(CLAIMED, data)
        self.repository.accept(self.claim, self.signed_by(self.publishers, {CLAIMED: target}), {CLAIMED: target})
        self.repository.commit()

    def renew(self) -> None:
        """Give every role a new version, root and targets too."""
        self.publish(b"second")
        for role in ("packages", "targets"):
            self.repository._renew(role, self.repository._load(role))
        self.repository._renew("root", self.repository._load("root"))
        self.repository.commit()

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(ORIGIN, self.log.size, self.log.root())

    def signed_by(self, signers: Iterable[CryptoSigner], targets: Mapping[str, Target]) -> bytes:
        """Return metadata of the claimed namespace as its publishers make it."""
        from tuf.api.metadata import Metadata, TargetFile, Targets

        before = self.store.newest.get(self.claim, 0)
        files = {path: TargetFile(file.size, {"sha256": file.sha256}, path) for path, file in targets.items()}
        made = Metadata(Targets(before + 1, expires=self.clock() + timedelta(days=90), targets=files))
        for signer in signers:
            made.sign(signer, append=True)
        return made.to_bytes()

    # attacks

    def metadata(self, role: str) -> Any:
        return self.repository._load(role)

    def keys(self, role: str) -> list[CryptoSigner]:
        if role == self.claim:
            return self.publishers
        return list(self.repository._keys(role))

    def sign(self, role: str, metadata: Any, signers: Iterable[CryptoSigner] | None = None) -> bytes:
        metadata.signatures.clear()
        for signer in self.keys(role) if signers is None else signers:
            metadata.sign(signer, append=True)
        data: bytes = metadata.to_bytes()
        return data

    def force(self, role: str, data: bytes, version: int | None = None) -> None:
        """Put bytes in the place of a role, and sign all that stands above it and is signed online, as a thief of those keys could."""
        version = self.store.newest[role] if version is None else version
        self.store.save(role, version, data)
        if role in ("root", "timestamp"):
            return
        if role == "snapshot":
            self.repository._timestamp()
            return
        self.repository._changed.add(role)
        self.repository.commit()

    def override(self, role: str, reply: Reply) -> None:
        """Let the server answer something else for the newest file of a role."""
        version = self.store.newest[role]
        self.overrides["timestamp.json" if role == "timestamp" else f"{version}.{role}.json"] = reply

    def newest(self, role: str) -> bytes:
        data = self.store.load(role)
        assert data is not None
        return data

    # server

    def answer(self, path: str, headers: Mapping[str, str]) -> Reply:
        parts = urlsplit(path)
        kind, _, name = parts.path.removeprefix("/v1/").partition("/")
        if name in self.overrides:
            return self.overrides[name]
        query = {field: values[0] for field, values in parse_qs(parts.query).items()}
        data: bytes | None = None
        if kind == "metadata":
            version, dot, role = name.removesuffix(".json").rpartition(".")
            data = self.store.load(role, int(version) if dot else None)
        elif kind == "targets":
            data = self.targets.get(name)
        elif name == "consistency":
            first, second = int(query["first"]), int(query["second"])
            data = proof_json(0, self.log.consistency_proof(first, second))
        elif name == "inclusion":
            leaf, size = bytes.fromhex(query["leaf"]), int(query["size"])
            index = next((at for at in range(size) if self.log.nodes[0, at] == leaf), None)
            data = None if index is None else proof_json(index, self.log.inclusion_proof(index, size))
        return Reply(status=404) if data is None else Reply(data)


def proof_json(index: int, proof: Iterable[bytes]) -> bytes:
    return json.dumps({"index": index, "proof": [part.hex() for part in proof]}).encode()
