"""`miden store cat`: print the code of a root."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("cat")
@click.argument("root")
@store_options
def command(console: Console, root: str, place: str | None, config: str | None) -> int:
    """Print the nodes of the procedure with ROOT: kind, digest, and operations or children; external ones are in other objects."""
    from miden.cli.disasm import nodes, wrapped
    from miden.cli.store.places import find_store
    from miden.mast.traversal import preorder
    from miden.store.keys import as_key

    key = as_key(root)
    with find_store(place, config) as store:
        forest = store.get(key)
    top = forest.find_procedure_root(key.digest)
    assert top is not None  # the store serves it
    chosen = sorted(preorder(forest, [top]))
    if console.json:
        console.document({"root": str(key), "node": top, "nodes": list(nodes(forest, chosen))})
        return 0
    for node in nodes(forest, chosen):
        children = " ".join(map(str, node["children"]))
        head = [str(node["id"]).rjust(5), console.style(node["kind"].ljust(8), "kind"), console.style(node["digest"], "digest"), children]
        console.print("  ".join(head).rstrip())
        for line in wrapped(node.get("operations", ())):
            console.print(f"           {line}")
    return 0
