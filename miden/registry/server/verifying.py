"""Checking a registry as a whole: every package, signature, proof and index file, as a client would, and never stopping early."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs

from miden.errors import IntegrityError, MidenError, NetworkError, NotFoundError
from miden.registry.index import check_package
from miden.registry.trust.client import METADATA, TARGETS, TrustedRegistry
from miden.registry.trust.entries import event_leaf, index_file
from miden.registry.trust.log import MerkleLog, leaf_hash
from miden.registry.trust.repository import index_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from miden.registry.backends import Registry
    from miden.registry.index import IndexEntry
    from miden.registry.server.catalog import Catalog

PAGE = 1000


class Problem(NamedTuple):
    """Something that is wrong, and with what."""

    where: str
    kind: str
    message: str


class Report(NamedTuple):
    """What was looked at: names, versions, and all that is wrong."""

    names: int
    versions: int
    problems: list[Problem]


class CatalogTransport:
    """What a client fetches, straight from a catalog: see `miden.registry.trust.client.Transport`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file; `NetworkError` of status 404 if there is none."""
        try:
            yield self.read(path, limit=2**62)
        except NotFoundError as error:
            raise NetworkError(error.message, status=404, kind="HttpError") from error

    def read(self, path: str, *, limit: int) -> bytes:
        """Return the bytes of a file."""
        data: bytes | None = None
        if path.startswith(METADATA):
            version, dot, role = path.removeprefix(METADATA).removesuffix(".json").partition(".")
            data = self._catalog.metadata(role, int(version)) if dot else self._catalog.metadata(version)
        elif path.startswith(TARGETS):
            data = self._catalog.target(path.removeprefix(TARGETS))
        elif path.startswith("v1/log/inclusion?"):
            from miden.serde.json_text import canonical_json

            query = parse_qs(path.partition("?")[2])
            index, proof = self._catalog.inclusion(bytes.fromhex(query["leaf"][0]), int(query["size"][0]))
            data = canonical_json({"index": index, "proof": [part.hex() for part in proof]})
        if data is None:
            raise NotFoundError(f"there is no {path}", kind="PackageNotFound")
        return data


def verify_catalog(catalog: Catalog, state: Path, progress: Callable[[int, int], None] | None = None) -> Report:
    """Return all that is wrong with the registry of a server; `state` is an empty folder to work in."""
    problems: list[Problem] = []
    root = catalog.metadata("root", 1)
    if root is None:
        return Report(0, 0, [Problem("root", "MissingMetadata", "the first root metadata is not there")])
    trusted = TrustedRegistry(CatalogTransport(catalog), state, root, catalog.origin)
    signed = _attempt(problems, "signed metadata", trusted.refresh)
    _attempt(problems, "log", lambda: _check_log(catalog))
    done, (names, total) = 0, catalog.counts()
    for name in all_names(catalog):
        versions = catalog.versions(name)
        if signed:
            _attempt(problems, name, lambda: _check_index(catalog, trusted, name))  # noqa: B023  called at once
        for item in versions:
            where = f"{item.entry.name} {item.entry.version}"
            _attempt(problems, where, lambda: _check_version(catalog, trusted if signed else None, item.entry))  # noqa: B023
            done += 1
            if progress is not None:
                progress(done, total)
    return Report(names, total, problems)


def verify_registry(registry: Registry, progress: Callable[[int, int], None] | None = None) -> Report:
    """Return all that is wrong with the packages of a registry of any other kind."""
    problems: list[Problem] = []
    names, versions = registry.names(), 0
    for done, name in enumerate(names, 1):
        entries = []

        def look(name: str = name) -> None:
            entries.extend(registry.versions(name))  # noqa: B023  called at once

        _attempt(problems, name, look)
        versions += len(entries)
        for entry in entries:
            _attempt(problems, f"{entry.name} {entry.version}", lambda: check_package(entry, registry.fetch(entry)))  # noqa: B023
        if progress is not None:
            progress(done, len(names))
    for file, reason in getattr(registry, "problems", {}).items():
        problems.append(Problem(file, "InvalidPackage", reason))
    return Report(len(names), versions, problems)


def all_names(catalog: Catalog) -> Iterator[str]:
    """Iterate over the names of a catalog, a page at a time."""
    page = catalog.names_after("", PAGE)
    while page:
        yield from page
        page = catalog.names_after(page[-1], PAGE)


def _attempt(problems: list[Problem], where: str, check: Callable[[], object]) -> bool:
    """Run a check, and note what it raised."""
    try:
        check()
    except MidenError as error:
        problems.append(Problem(where, error.kind, error.message))
        return False
    return True


def _check_index(catalog: Catalog, trusted: TrustedRegistry, name: str) -> None:
    data = trusted.download(index_path(name))
    if data != index_file(item.entry for item in catalog.versions(name)):
        raise IntegrityError(f"what is signed of {name} is not what the registry has", kind="IndexMismatch")


def _check_version(catalog: Catalog, trusted: TrustedRegistry | None, entry: IndexEntry) -> None:
    data = catalog.file(entry.sha256)
    if data is None:
        raise IntegrityError("its file is not there", kind="Damaged")
    check_package(entry, data)
    if trusted is not None:
        trusted.check_logged(event_leaf(entry, "publish"))


def _check_log(catalog: Catalog) -> None:
    """Build the log again from its entries."""
    claimed = catalog.checkpoint()
    log = MerkleLog()
    while log.size < claimed.size:
        entries = catalog.log_entries(log.size, claimed.size)
        if not entries:
            break
        for line in entries:
            log.append(leaf_hash(line.encode()))
    if (log.size, log.root()) != (claimed.size, claimed.root):
        raise IntegrityError("the entries of the log are not those that its root stands for", kind="LogRewritten")
