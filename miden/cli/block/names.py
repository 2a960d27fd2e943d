"""What blocks are called on the command line."""

from __future__ import annotations

from miden.cli.parameters import Choice
from miden.errors import FormatError
from miden.ipld.cid import CODEC_NAMES, MAST_FOREST, RAW, Cid
from miden.ipld.multihash import hash_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.store.keys import ObjectKey

CODEC_CHOICE = Choice(list(CODEC_NAMES.values()))
"""The codecs that blocks can be put in."""


def read_cid(text: str) -> Cid:
    """Return the CID that a text means: a CID, or the root of code, whose node is a block; `FormatError` or `InputError`."""
    if text.startswith("0x"):
        from miden.ipld.mast import node_cid
        from miden.store.keys import ObjectKey

        return node_cid(ObjectKey.parse(text).digest)
    try:
        return Cid.parse(text)
    except FormatError as error:
        text = text if len(text) <= 80 else f"{text[:77]}..."
        hint = "a CID such as bafk..., or the root of code: 0x and 64 hexadecimal digits"
        raise FormatError(f"{text!r} is no name of a block: {error.message}", kind=error.kind, hint=hint) from None


def read_keys(names: Iterable[str]) -> dict[str, ObjectKey]:
    """Return the CIDs that texts mean, and the keys that a store has for them; raises as `read_cid` does."""
    from miden.ipld.objects import key_of

    return {str(cid): key_of(cid) for cid in map(read_cid, names)}


def describe(cid: Cid) -> dict[str, object]:
    """Return what a CID says of its block."""
    codec = CODEC_NAMES.get(cid.codec, hex(cid.codec))
    return {"cid": str(cid), "codec": codec, "hash": hash_name(cid.hash_code), "digest": cid.digest.hex()}


def codec_of(data: bytes) -> int:
    """Return the codec that a file is taken to be of unless told otherwise: mast-forest for artifacts, else raw."""
    from miden.cli.files import MAGIC, OTHER_MAGIC

    return MAST_FOREST if data.startswith((MAGIC, *OTHER_MAGIC)) else RAW
