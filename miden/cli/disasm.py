"""`miden disasm`: the nodes of a program."""

from __future__ import annotations

import click

from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from miden.cli.console import Console
    from miden.mast.forest import MastForest

WIDTH = 100
"""Columns after which a line of operations is broken."""


@verb("disasm")
@click.argument("file", type=click.Path(allow_dash=True))
def command(console: Console, file: str) -> int:
    """Print the nodes of the program in FILE: kind, digest, and operations or children.

    Nodes are in the order of the forest, children before parents. Operations are those of the MAST, without the
    padding that the VM puts between them.
    """
    from miden.cli.files import load_program

    program = load_program(file, console)
    forest = program.forest
    if console.json:
        facts = {
            "hash": program.hash.to_hex(),
            "entrypoint": program.entrypoint,
            "kernel": [digest.to_hex() for digest in program.kernel.procedures],
            "roots": list(forest.roots),
            "nodes": list(nodes(forest)),
        }
        console.document(facts)
        return 0
    console.facts([("hash", program.hash.to_hex()), ("entrypoint", str(program.entrypoint)), ("nodes", f"{len(forest):,}")])
    console.print()
    for node in nodes(forest):
        marks = [mark for mark, there in (("root", node["root"]), ("entrypoint", node["id"] == program.entrypoint)) if there]
        children = " ".join(map(str, node["children"]))
        head = [str(node["id"]).rjust(5), console.style(node["kind"].ljust(8), "kind"), console.style(node["digest"], "digest"), children]
        console.print("  ".join([*head, " ".join(marks)]).rstrip())
        for line in wrapped(node.get("operations", ())):
            console.print(f"           {line}")
    return 0


def nodes(forest: MastForest) -> Iterator[dict[str, Any]]:
    """Yield the nodes as JSON-ready facts, in the order of their ids."""
    from miden.isa import NodeKind

    roots = frozenset(forest.roots)
    digests = forest.digests
    for node_id in range(len(forest)):
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
