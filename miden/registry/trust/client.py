"""What a client believes of a registry: metadata that leads back to a pinned root, and a log that only grows.

Everything trusted is kept in the folder `state`, which is no cache: it remembers the newest versions seen, and without
it a registry could show an old state again. Every step goes through `tuf.ngclient`; refused metadata changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from threading import RLock

from filelock import FileLock

from miden.errors import FormatError, IntegrityError, NotFoundError
from miden.package.files import write_whole
from miden.registry.extras import require
from miden.registry.trust.failures import translated
from miden.registry.trust.log import Checkpoint, leaf_hash, verify_consistency, verify_inclusion
from miden.registry.trust.repository import CHECKPOINT
from miden.serde.json_text import Fields, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    from tuf.ngclient import Updater

    class Transport(Protocol):
        """How files of a registry are fetched, by their path below its URL; `miden.registry.http.HttpClient` is one."""

        def chunks(self, path: str) -> Iterator[bytes]:
            """Yield the bytes of a file; `NetworkError` with a status if there is none."""

        def read(self, path: str, *, limit: int) -> bytes:
            """Return the bytes of a file, at most `limit` of them."""


METADATA, TARGETS = "v1/metadata/", "v1/targets/"
MAX_PROOF = 64 * 1024
MAX_TARGET = 2**26
"""Bytes of one target: the index file of a name with very many versions."""

LOCK_SECONDS = 60
"""How long another process may keep the state."""

BUDGET = {
    "max_root_rotations": 64,
    "max_delegations": 8,
    "root_max_length": 256 * 1024,
    "timestamp_max_length": 16 * 1024,
    "snapshot_max_length": 2**21,
    "targets_max_length": 2**22,
}
"""Bounds of what is read before anything is known of it."""


class TrustedRegistry:
    """The verified view of one registry.

    Parameters
    ----------
    transport
        Fetches files.
    state
        Folder of what was seen before; made if it is not there.
    root
        The root metadata that was pinned, as bytes.
    origin
        What the log must be called; any name if it is None.

    Raises `IntegrityError` of kind ``InvalidMetadata`` or ``UnsignedMetadata`` for a root that is none.
    """

    def __init__(self, transport: Transport, state: str | os.PathLike[str], root: bytes, origin: str | None = None) -> None:
        self.transport = transport
        self.state = Path(state)
        self.origin = origin
        self._root = root
        self._lock = RLock()
        self._updater: Updater | None = None
        self._config = require("tuf.ngclient").UpdaterConfig(**BUDGET)
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.state / "metadata").mkdir(exist_ok=True, mode=0o700)
        self._exclusive = FileLock(self.state / "lock", timeout=LOCK_SECONDS)  # a killed process lets it go
        self._make()

    def refresh(self) -> None:
        """Fetch and verify the newest state of the registry, and that its log goes on from the one seen last.

        Raises `IntegrityError` of the kinds in `miden.registry.trust.failures`, or ``LogRewritten``; `NetworkError`.
        """
        with self._lock, self._exclusive, translated("the registry"):
            self._updater = None
            updater = self._make()
            updater.refresh()
            self._observe(updater)
            self._updater = updater

    def download(self, path: str, cached: Path | None = None) -> bytes | None:
        """Return the verified bytes of a target, or None if there is none of this path.

        `cached` is a file that may hold them from before, and is written if it does not.
        """
        with self._lock, self._exclusive, translated("the registry"):
            if self._updater is None:
                self.refresh()
            assert self._updater is not None
            return self._download(self._updater, path, cached)

    def role_metadata(self, role: str) -> bytes:
        """Return the metadata of a role that was verified when a target of it was downloaded; `NotFoundError` if none was."""
        from urllib.parse import quote

        try:
            return (self.state / "metadata" / f"{quote(role, '')}.json").read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"nothing that {role} signed was seen yet", kind="MissingMetadata") from None

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest state of the log that was seen, or None."""
        try:
            return Checkpoint.from_bytes((self.state / "checkpoint").read_bytes())
        except FileNotFoundError:
            return None

    def check_logged(self, leaf: bytes) -> None:
        """Check that a leaf is in the log that was seen last; `IntegrityError` of kind ``NotInLog`` if it is not."""
        checkpoint = self.checkpoint
        if checkpoint is None:
            raise IntegrityError("no state of the log was seen yet", kind="NotInLog")
        hashed = leaf_hash(leaf)
        try:
            index, proof = self._proof(f"v1/log/inclusion?leaf={hashed.hex()}&size={checkpoint.size}")
        except NotFoundError as error:
            raise IntegrityError(f"the log has no such entry: {error.message}", kind="NotInLog") from error
        verify_inclusion(hashed, index, checkpoint.size, proof, checkpoint.root)

    # parts

    def _make(self) -> Updater:
        ngclient = require("tuf.ngclient")
        with translated("the pinned root"):
            updater: Updater = ngclient.Updater(
                str(self.state / "metadata"), METADATA, fetcher=_fetcher(self.transport), config=self._config, bootstrap=self._root
            )
        return updater

    def _download(self, updater: Updater, path: str, cached: Path | None) -> bytes | None:
        info = updater.get_targetinfo(path)
        if info is None:
            return None
        if info.length > MAX_TARGET:
            raise IntegrityError(f"{path} has {info.length} bytes, at most {MAX_TARGET} are read", kind="TooLong")
        if cached is not None and cached.is_file():
            data = cached.read_bytes()
            if _fits(info, data):
                return data
        folder, slash, name = path.rpartition("/")
        digest = info.hashes.get("sha256")
        if digest is None:
            raise IntegrityError(f"{path} is signed without its SHA-256", kind="InvalidMetadata")
        data = self.transport.read(f"{TARGETS}{folder}{slash}{digest}.{name}", limit=info.length)
        info.verify_length_and_hashes(data)
        if cached is not None:
            cached.parent.mkdir(parents=True, exist_ok=True)
            write_whole(cached, data, durable=False)
        return data

    def _observe(self, updater: Updater) -> None:
        data = self._download(updater, CHECKPOINT, None)
        if data is None:
            raise IntegrityError("the registry signs no checkpoint of its log", kind="LogRewritten")
        checkpoint, before = Checkpoint.from_bytes(data), self.checkpoint
        origin = self.origin if before is None else before.origin
        if origin is not None and checkpoint.origin != origin:
            raise IntegrityError("the log of the registry is another", expected=origin, found=checkpoint.origin, kind="LogRewritten")
        if before is not None:
            proof: list[bytes] = []
            if 0 < before.size < checkpoint.size:
                _, proof = self._proof(f"v1/log/consistency?first={before.size}&second={checkpoint.size}")
            verify_consistency(before.size, checkpoint.size, before.root, checkpoint.root, proof)
        if checkpoint != before:
            write_whole(self.state / "checkpoint", data)

    def _proof(self, path: str) -> tuple[int, list[bytes]]:
        answer = parse_json(self.transport.read(path, limit=MAX_PROOF), "a proof of the log", limit=MAX_PROOF)
        fields = Fields(answer, "a proof of the log", "InvalidProof")
        parts = fields.texts("proof", limit=64, length=64)
        try:
            return fields.number("index", below=2**48), [bytes.fromhex(part) for part in parts]
        except ValueError:
            raise FormatError("a proof of the log is a list of hashes", kind="InvalidProof") from None


def _fits(info: Any, data: bytes) -> bool:
    exceptions = require("tuf.api.exceptions")
    try:
        info.verify_length_and_hashes(data)
    except exceptions.LengthOrHashMismatchError:
        return False
    return True


def _fetcher(transport: Transport) -> Any:
    """Return what the library fetches with: ours, with its bounds of time and bytes."""
    from miden.errors import NetworkError

    ngclient = require("tuf.ngclient")
    exceptions = require("tuf.api.exceptions")

    def fetch(_self: object, url: str) -> Iterator[bytes]:
        try:
            yield from transport.chunks(url)
        except NetworkError as error:
            if error.status is None:
                raise
            raise exceptions.DownloadHTTPError(error.message, error.status) from error

    made: Callable[[], Any] = type("Fetcher", (ngclient.FetcherInterface,), {"_fetch": fetch})
    return made()
