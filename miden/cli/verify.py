"""`miden verify`: check everything that a file claims about itself."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.cli.console import Console
    from miden.package.artifacts import Loaded


@verb(
    "verify",
    argument("file", FilePath(allow_dash=True)),
    option("--root", metavar="0x..", help="The root that FILE must have."),
    option("--content", metavar="0x..", help="The content commitment that FILE must have; miden inspect --commitments shows it."),
)
def command(console: Console, file: str, root: str | None, content: str | None) -> int:
    """Check FILE: sizes, indices and order, every operation, the digest of every node, exports against code.

    Says as well what cannot be checked here: calls of other forests, and code that nothing reaches. Exits with 3 for bytes
    that are malformed and with 5 for a digest or commitment that is wrong.
    """
    from miden.cli.artifacts import load_bytes, plural
    from miden.cli.files import read_bytes
    from miden.field import Word
    from miden.package.container import identity_of

    pins = {name: Word.from_hex(value) for name, value in (("root", root), ("content", content)) if value is not None}
    loaded = load_bytes(file, read_bytes(file))
    identity = identity_of(loaded.content)
    for name, wanted in pins.items():
        found = getattr(identity, name)
        if found != wanted:
            from miden.errors import IntegrityError

            raise IntegrityError(
                f"the {'root' if name == 'root' else 'content commitment'} of {file} is another: {found.to_hex()}",
                expected=wanted.to_hex(),
                found=found.to_hex(),
                kind="CommitmentMismatch",
            )
    facts: dict[str, Any] = {
        "file": file,
        "verified": True,
        "kind": loaded.kind,
        "mast_version": identity.mast_version,
        "root": identity.root.to_hex(),
        "roots_commitment": identity.roots.to_hex(),
        "content_commitment": identity.content.to_hex(),
        "pinned": sorted(pins),
        "nodes": len(loaded.forest),
        **_unchecked(loaded),
    }
    if console.json:
        console.document(facts)
        return 0
    forest = loaded.forest
    checked = f"{loaded.kind}, {plural(len(forest), 'node')}, {plural(len(forest.operation_bytes), 'operation')}"
    console.facts(
        [
            ("verified", console.style(checked, "good")),
            ("root", console.style(facts["root"], "digest")),
            ("procedures", console.style(facts["roots_commitment"], "digest")),
            ("content", console.style(facts["content_commitment"], "digest")),
        ]
    )
    if facts["external"]:
        console.print(f"not checked: {len(facts['external']):,} procedures of other forests, which are known by digest only")
    if facts["unreachable_nodes"]:
        console.print(f"note: {facts['unreachable_nodes']:,} nodes are reached from no procedure")
    if facts["unnamed_procedures"]:
        console.print(f"note: {facts['unnamed_procedures']:,} procedures are not exported, but can be called by digest")
    return 0


def _unchecked(loaded: Loaded) -> dict[str, Any]:
    from miden.isa import NodeKind
    from miden.mast.exports import ProcedureExport
    from miden.mast.traversal import preorder

    forest = loaded.forest
    external = {"0x" + forest.digest_bytes(node).hex() for node in range(len(forest)) if forest.kind(node) == NodeKind.EXTERNAL}
    reached = sum(1 for _ in preorder(forest))
    unnamed = 0
    if loaded.library is not None:
        named = {item.node for item in loaded.library.items.values() if isinstance(item, ProcedureExport)}
        unnamed = sum(1 for root in forest.roots if root not in named)
    return {"external": sorted(external), "unreachable_nodes": len(forest) - reached, "unnamed_procedures": unnamed}
