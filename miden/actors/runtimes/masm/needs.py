"""The code that every machine has, kernel and core library, as blocks: what an actor that is taken elsewhere has to have with it."""

from __future__ import annotations

from miden.actors.runtimes.masm.library import kernel_library
from miden.corelib import core_forest
from miden.ipld.mast import explode, forest_links, node_links

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.ipld.cid import Cid


def needed_blocks(data: bytes) -> dict[Cid, bytes]:
    """Return the nodes of kernel and core library that a code block links to, with all below them.

    Raises `FormatError` for bytes that are no artifact.

    >>> from miden.actors.runtimes.masm.library import assemble_actor
    >>> needed_blocks(assemble_actor("pub proc invoke drop push.0 end").to_bytes())
    {}
    """
    pending = forest_links(data)
    if not pending:
        return {}
    known = {cid: block for forest in (kernel_library().forest, core_forest()) for cid, block in explode(forest)}
    found: dict[Cid, bytes] = {}
    while pending:
        cid = pending.pop()
        if cid not in found and cid in known:
            found[cid] = known[cid]
            pending += node_links(found[cid])
    return found
