"""Pages for browsers: what there is, and for each package its versions, exports, roots, signatures and documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from miden.errors import MidenError
from miden.registry.server.html import Html, element, page, table
from miden.registry.trust.repository import index_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.package.docs import DocModule
    from miden.registry.server.catalog import Catalog, Found, Published

MAX_DOCUMENTED = 2**21
"""Bytes of a package whose documentation is shown."""
MAX_SHOWN = 500
"""Exports that are listed."""

STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #222; background: #fff }
header { display: flex; gap: 2rem; padding: .7rem 1.5rem; background: #f4f4f4 }
header a { font-weight: 600; text-decoration: none }
main { padding: 1rem 1.5rem; max-width: 70rem; overflow-x: auto }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
th, td { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }
code, .digest { font: 13px monospace; overflow-wrap: anywhere }
pre { background: #f7f7f7; padding: .5rem; white-space: pre-wrap }
.yanked { color: #a00 }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } header, pre { background: #242424 } a { color: #8bf } }
"""


class Signature(NamedTuple):
    """Who signed the index file of a package, and until when it holds."""

    role: str
    keys: tuple[str, ...]
    expires: str


class Facts(NamedTuple):
    """What a page of a package shows."""

    name: str
    versions: Sequence[Published]
    chosen: Published
    docs: Sequence[DocModule]
    signature: Signature | None


def gather(catalog: Catalog, name: str, version: str = "") -> Facts | None:
    """Return what the page of a package shows, of its highest version that was not yanked by default; None if there is none."""
    versions = catalog.versions(name)
    good = [item for item in versions if item.entry.yanked is None] or versions
    chosen = next((item for item in versions if item.entry.version == version), None) if version else (good[-1] if good else None)
    if chosen is None:
        return None
    return Facts(chosen.entry.name, versions, chosen, _docs(catalog, chosen), _signature(catalog, name))


def _docs(catalog: Catalog, chosen: Published) -> Sequence[DocModule]:
    from miden.package.docs import SECTION, decode_docs
    from miden.package.package import Package

    if chosen.entry.size > MAX_DOCUMENTED:
        return ()
    try:
        data = catalog.file(chosen.entry.sha256)
        section = None if data is None else Package.from_trusted_bytes(data).section(SECTION)
        return () if section is None else decode_docs(section)
    except MidenError:  # damaged on disk, or documentation that is none: the rest of the page is shown
        return ()


def _signature(catalog: Catalog, name: str) -> Signature | None:
    import json

    from miden.registry.trust.repository import SignedRepository

    with catalog.database.reading() as connection:
        from miden.registry.server.tables import MetadataTable

        metadata = MetadataTable(connection)
        role = SignedRepository(metadata, {}).role_of(index_path(name))
        data = metadata.load(role)
    if data is None:
        return None
    facts = json.loads(data)
    return Signature(role, tuple(item["keyid"] for item in facts["signatures"]), facts["signed"]["expires"])


def front(origin: str, counts: tuple[int, int], recent: Sequence[tuple[str, str, int]]) -> Html:
    """Return the front page."""
    rows = [(_link(name), version, _day(when)) for name, version, when in recent]
    return page(
        origin,
        element("h1", origin),
        element("p", f"{counts[0]:,} packages, {counts[1]:,} versions."),
        element("h2", "Published last"),
        table(("package", "version", "when"), rows),
    )


def results(origin: str, text: str, found: Sequence[Found]) -> Html:
    """Return what a search found."""
    rows = [(_link(item.name), item.version, item.description) for item in found]
    listed = table(("package", "version", ""), rows) if rows else element("p", "Nothing was found.")
    return page(f"{text} - {origin}", element("h1", f"Packages with “{text}”"), listed)


def missing(origin: str, name: str) -> Html:
    """Return the page of a package that is not there."""
    return page(f"{name} - {origin}", element("h1", name), element("p", "There is no package or version of this name."))


def package(origin: str, facts: Facts) -> Html:
    """Return the page of a package."""
    entry = facts.chosen.entry
    parts: list[str] = [element("h1", f"{facts.name} {entry.version}"), element("p", entry.description)]
    if entry.yanked is not None:
        parts.append(element("p", f"This version was yanked: {entry.yanked}", class_="yanked"))
    parts.append(element("pre", f"miden add {facts.name}@{entry.version}"))
    digest = {"class_": "digest"}
    parts.append(
        table(
            ("", ""),
            [
                ("kind", entry.kind),
                ("size", f"{entry.size:,} bytes"),
                ("published", _day(facts.chosen.time)),
                ("code", element("span", entry.code.to_hex(), **digest)),
                ("procedure roots", element("span", entry.roots.to_hex(), **digest)),
                ("content", element("span", entry.content.to_hex(), **digest)),
                ("SHA-256", element("a", entry.sha256, href=f"/v1/files/{entry.sha256}", **digest)),
            ],
        )
    )
    if entry.needs.needs:
        parts.append(element("h2", "Needs"))
        parts.append(table(("package", "version"), [(_link(need.name), need.requirement.text) for need in entry.needs.needs]))
    if entry.exports:
        parts.append(element("h2", f"Exports ({len(entry.exports):,})"))
        rows = [(element("code", path), element("span", root.to_hex(), **digest)) for path, root in list(entry.exports.items())[:MAX_SHOWN]]
        parts.append(table(("procedure", "root"), rows))
    for module in facts.docs:
        parts += [element("h2", module.path), element("pre", module.docs)] if module.docs else [element("h2", module.path)]
        for item in module.items:
            parts += [element("h3", item.name), element("pre", item.head), element("p", item.docs)]
    parts.append(element("h2", "Versions"))
    listed: list[tuple[str, ...]] = [
        (
            element("a", item.entry.version, href=f"/packages/{facts.name}?version={item.entry.version}"),
            _day(item.time),
            f"{item.entry.size:,}",
            element("span", f"yanked: {item.entry.yanked}", class_="yanked") if item.entry.yanked is not None else "",
        )
        for item in reversed(facts.versions)
    ]
    parts.append(table(("version", "published", "bytes", ""), listed))
    if facts.signature is not None:
        signed = facts.signature
        parts.append(element("h2", "Signed by"))
        keys = [(signed.role, element("span", key, **digest), signed.expires) for key in signed.keys]
        parts.append(table(("role", "key", "until"), keys))
    return page(f"{facts.name} {entry.version} - {origin}", *parts)


def _link(name: str) -> Html:
    return element("a", name, href=f"/packages/{name}")


def _day(when: int) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M UTC")
