"""Compare two artifacts: exports by path, code by digest, and what surrounds it."""

from __future__ import annotations

from miden.mast.exports import ProcedureExport
from miden.mast.split import diff_forests
from miden.package.package import ManifestProcedure, Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.package.artifacts import Loaded


class ArtifactDiff:
    """What distinguishes two artifacts.

    Attributes
    ----------
    fields
        Name -> (old, new) of what differs around the code: kind, root, name, version, dependencies, ...
    added, removed
        Paths of exports that only the second, only the first has.
    changed
        Path -> (old, new) of exports that both have: digests of procedures, else a word for what changed.
    forest
        The `ForestDiff` of the code.
    """

    __slots__ = ("added", "changed", "fields", "forest", "removed")

    def __init__(self, first: Loaded, second: Loaded) -> None:
        self.forest = diff_forests(first.forest, second.forest)
        old, new = _fields(first), _fields(second)
        self.fields = {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}
        old_exports, new_exports = _exports(first), _exports(second)
        self.added = [path for path in new_exports if path not in old_exports]
        self.removed = [path for path in old_exports if path not in new_exports]
        self.changed: dict[str, tuple[str, str]] = {}
        for path, (digest, what) in old_exports.items():
            if path in new_exports and new_exports[path] != (digest, what):
                other = new_exports[path][0]
                self.changed[path] = (digest, other) if digest != other else ("interface", "interface")

    def __bool__(self) -> bool:
        """Tell whether there is any difference."""
        return bool(self.fields or self.added or self.removed or self.changed or self.forest)

    @property
    def bump(self) -> str:
        """The least step of a semantic version that says what happened: none, patch, minor or major."""
        if self.removed or self.changed or ("root" in self.fields and not self.added):
            return "major"
        if self.added:
            return "minor"
        return "patch" if self else "none"

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        forest = self.forest
        return {
            "same": not self,
            "same_code": forest.same_code,
            "bump": self.bump,
            "fields": {name: {"old": old, "new": new} for name, (old, new) in self.fields.items()},
            "exports": {
                "added": self.added,
                "removed": self.removed,
                "changed": {path: {"old": old, "new": new} for path, (old, new) in self.changed.items()},
            },
            "procedures": {
                "added": [digest.to_hex() for digest in forest.added_procedures],
                "removed": [digest.to_hex() for digest in forest.removed_procedures],
            },
            "nodes": {"added": len(forest.added_nodes), "removed": len(forest.removed_nodes)},
            "advice_map": forest.advice_map,
            "debug_info": forest.debug_info,
        }


def root_of(loaded: Loaded) -> str:
    """Return the root that names an artifact, in hex."""
    from miden.package.container import identity_of

    program, library = loaded.program, loaded.library
    if program is not None:
        return program.hash.to_hex()
    return library.digest.to_hex() if library is not None else identity_of(loaded.content, b"").root.to_hex()


def _fields(loaded: Loaded) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": loaded.kind, "root": root_of(loaded)}
    if loaded.program is not None:
        fields["kernel"] = [digest.to_hex() for digest in loaded.program.kernel]
    if isinstance(loaded.content, Package):
        package = loaded.content
        fields["name"] = package.name
        fields["version"] = package.version_text
        fields["description"] = package.description
        fields["purpose"] = package.kind.label
        fields["dependencies"] = {item.name: item.digest.to_hex() for item in package.dependencies}
        fields["sections"] = {section.id: f"{len(section.data)} bytes, {_short(section.data)}" for section in package.sections}
    if loaded.container is not None:
        fields["custom sections"] = {name: f"{len(data)} bytes, {_short(data)}" for name, data in loaded.container.custom}
    return fields


def _short(data: bytes) -> str:
    from miden.package.cache import bytes_key

    return bytes_key(data)[:12]


def _exports(loaded: Loaded) -> dict[str, tuple[str, object]]:
    """Return path -> (digest, the rest of what is promised)."""
    if loaded.library is not None:
        return {
            path: ("0x" + loaded.forest.digest_bytes(item.node).hex(), (item.signature, item.attributes))
            if isinstance(item, ProcedureExport)
            else ("", item)
            for path, item in loaded.library.items.items()
        }
    if isinstance(loaded.content, Package):
        return {
            path: (item.digest.to_hex(), (item.signature, item.attributes)) if isinstance(item, ManifestProcedure) else ("", item)
            for path, item in loaded.content.exports.items()
        }
    return {}
