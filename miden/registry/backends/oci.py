"""A registry of containers (OCI distribution) that holds packages as artifacts: ``oci://host/prefix``.

A package is the repository ``prefix/name``, a version is a tag, with ``_`` for ``+``. The manifest of a tag has the entry of
the index as its config and the package as its only layer. Such registries sign nothing that we check and have no memory of
what they said: pin versions in a lock, which names every byte. What they send is bounded and checked all the same.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from urllib.parse import urljoin, urlsplit

from miden.errors import FormatError, InputError, IntegrityError, NetworkError, NotFoundError
from miden.package.requirements import version_key
from miden.registry.backends.indexed import find_published
from miden.registry.extras import require
from miden.registry.http import HttpClient, check_url, is_loopback
from miden.registry.index import MAX_LINE, IndexEntry, describe
from miden.registry.names import PackageName, name_key
from miden.serde.json_text import Fields, canonical_json, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any

    from miden.field import Word
    from miden.registry.http import Answer, Budget

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ENTRY = "application/vnd.miden.package.entry.v1+json"
PACKAGE = "application/vnd.miden.package.v1+masp"
MAX_ANSWER = 2**20
MAX_TAGS = 5000
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII)


class OciRegistry:
    """Packages in a registry of containers; `miden.registry.backends.WritableRegistry` says what its methods do.

    Parameters
    ----------
    location
        ``oci://host[:port]/prefix``; plain HTTP is spoken with this machine, and with `plain` with others.
    name
        What messages call it.
    token
        What to log in with, where that is needed: ``USER:TOKEN``, or a token alone.
    cache
        Folder in which packages and entries are kept, if there is one.
    offline
        Refuse to ask.
    state, signers, adopt, root
        Belong to other kinds of registries, and are left alone.
    """

    writable = True

    def __init__(
        self,
        location: str,
        name: str,
        *,
        token: str | None = None,
        cache: str | os.PathLike[str] | None = None,
        offline: bool = False,
        budget: Budget | None = None,
        plain: bool = False,
        **_others: object,
    ) -> None:
        self.name = name
        self.location = location
        parts = check_url(location, schemes=("oci",))
        self._host = parts.netloc
        self._prefix = parts.path.strip("/")
        if self._prefix and not _REPOSITORY.fullmatch(self._prefix):
            raise InputError(f"{self._prefix[:80]!a} is no path of repositories", kind="InvalidUrl", hint="lower case, digits, . _ - and /")
        self._offline = offline
        self._entries: dict[str, list[IndexEntry]] = {}
        require("oras")  # the extra that this needs, before parts of it are missed one by one
        plain = plain or is_loopback(parts.hostname or "")
        self._http = HttpClient(f"{'http' if plain else 'https'}://{self._host}/v2/", budget=budget, plain=plain)
        self._basic = None if token is None else f"Basic {b64encode((token if ':' in token else f'token:{token}').encode()).decode()}"
        self._authorization: dict[str, str] = {}
        from miden.registry.folder import Folder

        self._cache = None if cache is None else Folder(cache, create=True)

    # reading

    def names(self, search: str | None = None) -> list[str]:
        """Return the names of all packages, if the registry lists them; many do not."""
        answer = self._get("_catalog?n=10000", MAX_ANSWER, missing=True)
        if answer is None:
            return []
        fields = Fields(parse_json(answer, "a catalog", limit=MAX_ANSWER), "a catalog", "InvalidIndex")
        repositories = fields.texts("repositories", limit=100_000)
        prefix = f"{self._prefix}/" if self._prefix else ""
        keys = [text.removeprefix(prefix) for text in repositories if text.startswith(prefix)]
        names = {entries[-1].name for entries in map(self._all, keys) if entries}
        return sorted(name for name in names if search is None or search.lower() in name.lower())

    def versions(self, name: str) -> list[IndexEntry]:
        """Return all versions of a package: an answer for every tag."""
        return [entry for entry in self._all(PackageName(name).key) if entry.name == name]

    def _all(self, key: str) -> list[IndexEntry]:
        found = self._entries.get(key)
        if found is None:
            found = [self._entry(key, tag) for tag in self._tags(key)]
            found.sort(key=lambda entry: (version_key(entry.version), entry.version))
            self._entries[key] = found
        return found

    def _tags(self, key: str) -> list[str]:
        answer = self._get(f"{self._repository(key)}/tags/list?n={MAX_TAGS}", MAX_ANSWER, missing=True)
        if answer is None:
            return []
        fields = Fields(parse_json(answer, "a list of tags", limit=MAX_ANSWER), "a list of tags", "InvalidIndex")
        return fields.texts("tags", limit=MAX_TAGS, length=128)

    def _entry(self, key: str, tag: str) -> IndexEntry:
        data = self._get(f"{self._repository(key)}/manifests/{tag}", MAX_ANSWER)
        assert data is not None
        manifest = Fields(parse_json(data, "a manifest", limit=MAX_ANSWER), "a manifest", "InvalidIndex")
        config = Fields(manifest.table("config", limit=20), "the config of a manifest", "InvalidIndex")
        if config.text("mediaType") != ENTRY:
            config.fail(f"{key}:{tag} is no package of ours")
        entry = IndexEntry.from_line(self._blob(key, config.text("digest", limit=80), MAX_LINE))
        layers = [Fields(layer, "a layer", "InvalidIndex").text("digest", limit=80) for layer in manifest.items("layers", limit=16)]
        if name_key(entry.name) != key or _tag(entry.version) != tag or layers != [f"sha256:{entry.sha256}"]:
            raise IntegrityError(f"{key}:{tag} holds {entry.name} {entry.version}, which is another package", kind="PackageMismatch")
        return entry

    def fetch(self, entry: IndexEntry) -> bytes:
        """Return the bytes of a version."""
        return self._blob(name_key(entry.name), f"sha256:{entry.sha256}", entry.size)

    def provides(self, root: Word) -> list[IndexEntry]:
        """Return the versions that have a root, of the packages that the registry lists."""
        return [entry for name in self.names() for entry in self.versions(name) if entry.provides(root)]

    def refresh(self) -> None:
        """Forget what was looked up."""
        self._entries.clear()

    def close(self) -> None:
        """Let go of connections and folders."""
        self._http.close()
        if self._cache is not None:
            self._cache.close()

    # writing

    def publish(self, data: bytes) -> IndexEntry:
        """Publish a package; registries of containers have no lock, so two publishers at the same moment are not kept apart."""
        entry = describe(data)
        key = name_key(entry.name)
        self.refresh()
        published = find_published(entry, self._all(key))
        if published is not None:
            return published
        self._push(key, PACKAGE, data)
        self._tag(key, entry)
        return entry

    def yank(self, name: str, version: str, reason: str | None) -> IndexEntry:
        """Take a version back, or put it back: its tag gets a manifest with the new entry."""
        self.refresh()
        found = next((entry for entry in self.versions(name) if entry.version == version), None)
        if found is None:
            raise NotFoundError(f"there is no {name} {version} in {self.name}", kind="PackageNotFound")
        entry = found.with_yanked(reason)
        self._tag(name_key(name), entry)
        return entry

    def _tag(self, key: str, entry: IndexEntry) -> None:
        line = entry.to_line()
        self._push(key, ENTRY, line)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": PACKAGE,
            "config": _descriptor(ENTRY, line),
            "layers": [{"mediaType": PACKAGE, "digest": f"sha256:{entry.sha256}", "size": entry.size}],
        }
        url = f"{self._repository(key)}/manifests/{_tag(entry.version)}"
        self._send("PUT", url, canonical_json(manifest), {"content-type": MANIFEST})
        self.refresh()

    def _push(self, key: str, media_type: str, data: bytes) -> None:
        """Upload a blob, as a session of two requests."""
        digest = _descriptor(media_type, data)["digest"]
        answer = self._send("POST", f"{self._repository(key)}/blobs/uploads/", b"", {})
        location = urljoin(self._http.base, answer.headers.get("location", ""))
        if urlsplit(location).netloc != self._host:
            raise NetworkError(f"{self.name} sends uploads elsewhere, to {location[:200]}", url=self.location, kind="BadRedirect")
        separator = "&" if "?" in location else "?"
        self._send("PUT", f"{location}{separator}digest={digest}", data, {"content-type": "application/octet-stream"})

    # requests

    def _repository(self, key: str) -> str:
        path = f"{self._prefix}/{key}" if self._prefix else key
        if not _REPOSITORY.fullmatch(path):
            raise InputError(f"{key[:80]!a} cannot be the name of a repository", kind="InvalidName", hint="it must not begin with _")
        return path

    def _blob(self, key: str, digest: str, limit: int) -> bytes:
        """Return a blob, from the cache if it is there, that has the digest it is called by."""
        algorithm, _, name = digest.partition(":")
        if algorithm != "sha256" or not re.fullmatch("[0-9a-f]{64}", name):
            raise FormatError(f"{digest[:80]!a} is no SHA-256 of a blob", kind="InvalidIndex")
        if self._cache is not None and self._cache.has(name):
            data = self._cache.read(name, limit=2**30)
            if sha256(data).hexdigest() == name:
                return data
        found = self._get(f"{self._repository(key)}/blobs/{digest}", limit)
        assert found is not None
        if sha256(found).hexdigest() != name:
            raise IntegrityError(
                f"{self.name} sends another blob", expected=name, found=sha256(found).hexdigest(), kind="PackageMismatch"
            )
        if self._cache is not None:
            self._cache.write(name, found)
        return found

    def _get(self, path: str, limit: int, *, missing: bool = False) -> bytes | None:
        answer = self._ask("GET", path, b"", {"accept": f"{MANIFEST}, application/json, */*"}, limit)
        return None if answer.status == 404 and missing else self._checked(answer).data

    def _send(self, method: str, path: str, data: bytes, headers: Mapping[str, str]) -> Answer:
        return self._checked(self._ask(method, path, data, headers, MAX_ANSWER))

    def _ask(self, method: str, path: str, data: bytes, headers: Mapping[str, str], limit: int) -> Answer:
        if self._offline:
            raise NetworkError(f"{self.name} is not asked while offline", url=self.location, kind="Offline")
        answer = self._once(method, path, data, headers, limit)
        if answer.status == 401 and self._log_in(answer.headers.get("www-authenticate", "")):
            answer = self._once(method, path, data, headers, limit)
        return answer

    def _once(self, method: str, path: str, data: bytes, headers: Mapping[str, str], limit: int) -> Answer:
        with self._http.stream(method, path, data=data, headers={**headers, **self._authorization}, limit=limit) as (answer, chunks):
            answer.data = b"".join(chunks)
        return answer

    def _log_in(self, challenge: str) -> bool:
        """Answer a challenge; return whether there is something to try. A secret only goes to this host, or on by HTTPS."""
        from urllib.parse import urlencode

        if challenge.lower().startswith("basic"):
            self._authorization = {} if self._basic is None else {"authorization": self._basic}
            return self._basic is not None
        found = require("oras.auth.utils").parse_auth_header(challenge[:4096])
        if not found.realm:
            return False
        query = urlencode({name: value for name, value in (("service", found.service), ("scope", found.scope)) if value})
        url = self._http.follow(self._http.base, f"{found.realm}{'&' if '?' in found.realm else '?'}{query}")
        self._authorization = {} if self._basic is None else {"authorization": self._basic}
        answer = self._checked(self._once("GET", url, b"", {}, MAX_ANSWER))
        fields = Fields(parse_json(answer.data, "a token", limit=MAX_ANSWER), "a token", "InvalidToken")
        token = fields.optional_text("token", limit=16_384) or fields.optional_text("access_token", limit=16_384)
        if not token or not token.isascii() or not token.isprintable():
            fields.fail("there is no token in the answer")
        self._authorization = {"authorization": f"Bearer {token}"}
        return True

    def _checked(self, answer: Answer) -> Answer:
        if answer.status in (401, 403):
            raise InputError(f"{self.name} answers {answer.status}", kind="NotAllowed", hint="give a token, as USER:TOKEN, or another one")
        if answer.status == 404:
            raise NotFoundError(f"{answer.url} is not there", kind="PackageNotFound")
        if not 200 <= answer.status < 300:
            raise NetworkError(f"{answer.url} answers {answer.status}", url=answer.url, status=answer.status, kind="HttpError")
        return answer

    def __repr__(self) -> str:
        return f"<OciRegistry {self.name!r} at {self.location}>"


def _tag(version: str) -> str:
    """Return a version as a tag, which may not have a ``+``."""
    return version.replace("+", "_")


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{sha256(data).hexdigest()}", "size": len(data)}
