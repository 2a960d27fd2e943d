"""`miden disasm`: the nodes of a program, a library or one procedure, or MASM for them."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from miden.cli.console import Console
    from miden.mast.forest import MastForest
    from miden.package.artifacts import Loaded

WIDTH = 100
"""Columns after which a line of operations is broken."""

INEXACT = 1
"""Exit code of --masm if the text does not assemble to the same root."""


@verb(
    "disasm",
    argument("file", FilePath(allow_dash=True)),
    argument("procedure", required=False),
    flag("--masm", help="Write MASM that assembles to the same roots; exits with 1 and says why if it does not."),
)
def command(console: Console, file: str, procedure: str | None, masm: bool) -> int:
    """Print the nodes of FILE, or those of one PROCEDURE: kind, digest, and operations or children.

    PROCEDURE is a path or its last name, 0x and a digest or its start, or # and a node id. Nodes are in the order of the
    forest. Operations are those of the MAST, without the padding that the VM puts between them.
    """
    from miden.cli.artifacts import load_any
    from miden.mast.traversal import preorder
    from miden.package.naming import find_procedure

    loaded = load_any(file, console)
    root = None if procedure is None else find_procedure(loaded, procedure)
    if masm:
        return _masm(console, loaded, root)
    forest, program = loaded.forest, loaded.program
    chosen = range(len(forest)) if root is None else sorted(preorder(forest, [root]))
    facts = _head(loaded, root)
    if console.json:
        console.document({**facts, "roots": list(forest.roots), "nodes": list(nodes(forest, chosen))})
        return 0
    console.facts([(name, str(value)) for name, value in facts.items() if name != "kernel"] + [("nodes", f"{len(chosen):,}")])
    console.print()
    entrypoint = None if program is None else program.entrypoint
    for node in nodes(forest, chosen):
        marks = [mark for mark, there in (("root", node["root"]), ("entrypoint", node["id"] == entrypoint)) if there]
        children = " ".join(map(str, node["children"]))
        head = [str(node["id"]).rjust(5), console.style(node["kind"].ljust(8), "kind"), console.style(node["digest"], "digest"), children]
        console.print("  ".join([*head, " ".join(marks)]).rstrip())
        for line in wrapped(node.get("operations", ())):
            console.print(f"           {line}")
    return 0


def _head(loaded: Loaded, root: int | None) -> dict[str, Any]:
    from miden.package.diffing import root_of

    forest, program = loaded.forest, loaded.program
    if root is not None:
        return {"procedure": root, "digest": forest.digests[root].to_hex()}
    if program is None:
        return {"digest": root_of(loaded)}
    kernel = [digest.to_hex() for digest in program.kernel.procedures]
    return {"hash": program.hash.to_hex(), "entrypoint": program.entrypoint, "kernel": kernel}


def _masm(console: Console, loaded: Loaded, root: int | None) -> int:
    from miden.package.decompile import decompile

    found = decompile(loaded, None if root is None or (loaded.program and root == loaded.program.entrypoint) else [root])
    if console.json:
        console.document({"masm": found.text, "verified": found.verified, "problems": found.problems, "unchecked": found.unchecked})
    else:
        console.print(found.text.rstrip("\n"))
        for problem in found.problems:
            console.note(f"not the same root: {problem}")
        if found.unchecked:
            console.note(f"not checked: {found.unchecked}")
    return INEXACT if found.problems else 0


def nodes(forest: MastForest, chosen: Iterable[int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield nodes as JSON-ready facts, by default all in the order of their ids."""
    from miden.isa import NodeKind

    roots = frozenset(forest.roots)
    digests = forest.digests
    for node_id in range(len(forest)) if chosen is None else chosen:
        kind = NodeKind(forest.kind(node_id))
        facts = {
            "id": node_id,
            "kind": kind.name.lower(),
            "digest": digests[node_id].to_hex(),
            "root": node_id in roots,
            "children": [int(child) for child in forest.children(node_id)],
        }
        if kind is NodeKind.BLOCK:
            facts["operations"] = [operation_text(opcode, value) for opcode, value in forest.block_operations(node_id)]
        yield facts


def operation_text(opcode: int, value: int | None) -> str:
    """Return an operation as the reference prints it: ``push(3)``, ``assert(0)``, ``add``."""
    from miden.isa import OPERATIONS

    name = OPERATIONS[opcode].display
    return name if value is None else f"{name}({value})"


def wrapped(words: list[str]) -> Iterator[str]:
    """Yield lines of at most `WIDTH` columns."""
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield line
