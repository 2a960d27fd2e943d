"""`miden block cat`: print what is in a block, as dag-json."""

from __future__ import annotations

from miden.cli.parameters import argument, flag
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.cli.console import Console


@verb(
    "cat",
    argument("name"),
    flag("--indent", help="Write over several lines."),
    *STORE_OPTIONS,
)
def command(console: Console, name: str, indent: bool, place: str | None, config: str | None) -> int:
    """Print the value of the block that NAME, a CID or a root of code, stands for, as dag-json.

    A block of raw bytes is a value of bytes; a node of MAST is a map of its kind with its children or operations.
    """
    import json

    from miden.cli.block.names import read_cid
    from miden.cli.store.places import find_store
    from miden.ipld import dagjson
    from miden.ipld.blocks import load_block
    from miden.ipld.objects import StoreBlocks

    cid = read_cid(name)
    with find_store(place, config) as store:
        text = dagjson.encode(_value(cid.codec, load_block(StoreBlocks(store), cid))).decode()
    if console.json:
        console.document({"cid": str(cid), "value": json.loads(text)})
    else:
        console.print(json.dumps(json.loads(text), indent=2, ensure_ascii=False) if indent else text)
    return 0


def _value(codec: int, data: bytes) -> Any:
    from miden.ipld import dagcbor, dagjson
    from miden.ipld.cid import DAG_CBOR, DAG_JSON, MAST_NODE

    if codec == DAG_CBOR:
        return dagcbor.decode(data)
    if codec == DAG_JSON:
        return dagjson.decode(data)
    return _node(data) if codec == MAST_NODE else data


def _node(data: bytes) -> dict[str, Any]:
    from miden.cli.disasm import operation_text
    from miden.ipld.mast import block_code, node_links
    from miden.isa import NodeKind
    from miden.mast.batches import pair_operations

    kind = NodeKind(data[0])
    if kind != NodeKind.BLOCK:
        return {"kind": kind.name.lower(), "children": node_links(data)}
    return {"kind": "block", "operations": [operation_text(*operation) for operation in pair_operations(*block_code(data))]}
