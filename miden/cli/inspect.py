"""`miden inspect`: what is in a file."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.cli.console import Console
    from miden.package.artifacts import Loaded


@verb(
    "inspect",
    argument("file", FilePath(allow_dash=True)),
    flag("--commitments", help="Compute the commitments to the set of procedures and to all bytes as well."),
)
def command(console: Console, file: str, commitments: bool) -> int:
    """Show what is in FILE: kind, root, exports with signatures and digests, sizes, dependencies and sections.

    FILE is a program, library, kernel, package or container, verified while it is read, or source text of a program.
    """
    from miden.cli.artifacts import load_any

    loaded = load_any(file, console)
    facts = describe(loaded)
    if commitments:
        from miden.package.container import identity_of

        identity = identity_of(loaded.content)
        facts["commitments"] = {"roots": identity.roots.to_hex(), "content": identity.content.to_hex()}
    if console.json:
        console.document({"file": file, **facts})
    else:
        _show(console, facts)
    return 0


def describe(loaded: Loaded) -> dict[str, Any]:
    """Return what is in an artifact, ready for JSON."""
    from miden.mast.versions import CURRENT
    from miden.package.diffing import root_of
    from miden.package.package import Package
    from miden.package.sizes import section_sizes

    forest = loaded.forest
    facts: dict[str, Any] = {"kind": loaded.kind, "root": root_of(loaded), "mast_version": CURRENT.number, "bytes": len(loaded.data)}
    if loaded.container is not None:
        identity = loaded.container.identity
        facts["container"] = {
            "kind": identity.kind.name.lower(),
            "mast_version": identity.mast_version,
            "compact": loaded.container.compact,
            "custom_sections": [{"name": name, "bytes": len(data)} for name, data in loaded.container.custom],
        }
        facts["mast_version"] = identity.mast_version
    if isinstance(loaded.content, Package):
        package = loaded.content
        facts["package"] = {
            "name": package.name,
            "version": package.version_text,
            "description": package.description,
            "kind": package.kind.label,
            "dependencies": [{"name": item.name, "digest": item.digest.to_hex()} for item in package.dependencies],
            "sections": [{"id": section.id, "bytes": len(section.data)} for section in package.sections],
        }
    if loaded.program is not None:
        facts["entrypoint"] = loaded.program.entrypoint
        facts["kernel"] = [digest.to_hex() for digest in loaded.program.kernel]
    facts["exports"] = _exports(loaded)
    facts["forest"] = {
        "nodes": len(forest),
        "kinds": forest.summary(),
        "procedures": len(forest.roots),
        "operations": len(forest.operation_bytes),
        "external": sorted(set(_external(loaded))),
        "advice_entries": len(forest.advice_map),
        "decorators": len(forest.debug_info.decorators),
        "error_messages": len(forest.debug_info.error_codes),
    }
    facts["sections"] = section_sizes(loaded)
    return facts


def _external(loaded: Loaded) -> list[str]:
    from miden.isa import NodeKind

    forest = loaded.forest
    return ["0x" + forest.digest_bytes(node).hex() for node in range(len(forest)) if forest.kind(node) == NodeKind.EXTERNAL]


def _exports(loaded: Loaded) -> list[dict[str, Any]]:
    from miden.mast.exports import ProcedureExport, TypeExport
    from miden.package.package import ManifestProcedure, Package

    listed: list[Any] = []
    if loaded.library is not None:
        listed = list(loaded.library.items.values())
    elif isinstance(loaded.content, Package):
        listed = list(loaded.content.exports.values())
    exports: list[dict[str, Any]] = []
    for item in listed:
        if isinstance(item, (ProcedureExport, ManifestProcedure)):
            digest = item.digest.to_bytes() if isinstance(item, ManifestProcedure) else loaded.forest.digest_bytes(item.node)
            exports.append(
                {
                    "path": item.path,
                    "kind": "procedure",
                    "digest": "0x" + digest.hex(),
                    "signature": None if item.signature is None else repr(item.signature),
                    "attributes": [attribute.name for attribute in item.attributes],
                }
            )
        elif isinstance(item, TypeExport):
            exports.append({"path": item.path, "kind": "type", "type": repr(item.type)})
        else:
            exports.append({"path": item.path, "kind": "constant", "value": str(item.value.value)})
    return exports


def _show(console: Console, facts: dict[str, Any]) -> None:
    from miden.cli.artifacts import plural

    forest = facts["forest"]
    rows = [("kind", facts["kind"]), ("root", console.style(facts["root"], "digest")), ("bytes", f"{facts['bytes']:,}")]
    if "container" in facts:
        inner = facts["container"]
        rows[0] = ("kind", f"container of a {inner['kind']}{', without digests' if inner['compact'] else ''}")
        rows.append(("mast version", str(inner["mast_version"])))
    package = facts.get("package")
    if package:
        rows.insert(0, ("package", f"{package['name']} {package['version'] or '(no version)'}, {package['kind']}"))
        if package["description"]:
            rows.insert(1, ("about", package["description"]))
    for name, value in facts.get("commitments", {}).items():
        rows.append((f"{name} commitment", console.style(value, "digest")))
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in forest["kinds"].items())
    rows.append(("nodes", f"{forest['nodes']:,}: {kinds}"))
    rows.append(("code", f"{plural(forest['procedures'], 'procedure')}, {plural(forest['operations'], 'operation')}"))
    debug = f"{plural(forest['decorators'], 'decorator')}, {plural(forest['error_messages'], 'error message')}"
    rows.append(("debug", debug if forest["decorators"] or forest["error_messages"] else "none"))
    if forest["advice_entries"]:
        rows.append(("advice map", plural(forest["advice_entries"], "key")))
    if facts.get("kernel"):
        rows.append(("kernel", plural(len(facts["kernel"]), "procedure")))
    console.facts(rows)
    _tree(console, facts["exports"])
    if forest["external"]:
        _list(console, "calls procedures of other forests", forest["external"])
    if package and package["dependencies"]:
        _list(console, "dependencies", [f"{item['name']}  {item['digest']}" for item in package["dependencies"]])
    if package and package["sections"]:
        _list(console, "sections of the package", [f"{item['id']}  {item['bytes']:,} bytes" for item in package["sections"]])
    if facts.get("container", {}).get("custom_sections"):
        custom = facts["container"]["custom_sections"]
        _list(console, "custom sections", [f"{item['name']}  {item['bytes']:,} bytes" for item in custom])
    console.print()
    shown = [(name, f"{size:,}", f"{size / max(facts['bytes'], 1):.1%}") for name, size in facts["sections"].items() if size]
    console.table(("part", "bytes", "share"), shown)


def _list(console: Console, title: str, lines: list[str]) -> None:
    console.print(f"\n{title}:")
    for line in lines:
        console.print(f"  {line}")


def _tree(console: Console, exports: list[dict[str, Any]]) -> None:
    """Print the exports, module by module."""
    from miden.mast.paths import item_name, parent_path

    if not exports:
        return
    console.print("\nexports:")
    width = max(len(item_name(item["path"])) for item in exports)
    module = None
    for item in exports:
        if parent_path(item["path"]) != module:
            module = parent_path(item["path"])
            console.print(f"  {console.style(module, 'key')}")
        name = item_name(item["path"]).ljust(width)
        if item["kind"] == "procedure":
            extra = (item["signature"] or "").removeprefix("fn")
            marks = "".join(f" @{attribute}" for attribute in item["attributes"])
            console.print(f"    {name}  {console.style(item['digest'], 'digest')}{'  ' if extra else ''}{extra}{marks}")
        else:
            console.print(f"    {name}  {item['kind']} {item.get('value', item.get('type'))}")
