"""IPLD: content-addressed data with links, in the store beside code.

`cid`, `multihash`, `multibase`, `varint`: names of blocks. `dagcbor`, `dagjson`: the two codecs. `links`: what a block points
to, by codec (`dagpb` knows only that). `car`: files of blocks. `hamt`, `amt`: maps and lists over blocks. `mast`: MAST as blocks.
`blocks`: where blocks are; `objects`: in the object store.
"""

from __future__ import annotations

from miden.ipld.cid import Cid
from miden.ipld.links import links

__all__ = ["Cid", "links"]
