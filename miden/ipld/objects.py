"""Blocks as objects of the store, and the store as a place of blocks. (fvm.md section 5.1; docs/internals/store.md.)

A block is an object whose fact is its CID, whose key is the hash of that, and whose links are the keys of what the block links
to. So a collection of garbage, a bundle and a check of the store follow the links of blocks and those of code alike.

A node of MAST is no block of its own: its CID says the same as a root of code, so it *is* code, a forest of one node with its
children outside. Whoever asks for the CID of a node finds it in any forest that serves the root; whoever asks for code by root
finds what came as blocks.
"""

from __future__ import annotations

from copy import copy
from struct import Struct
from typing import NamedTuple

from blake3 import blake3

from miden.errors import FormatError, InputError, IntegrityError, NotFoundError
from miden.field import P
from miden.ipld.cid import MAST_NODE, MAX_CID, Cid
from miden.ipld.held import HeldForest, HeldForests
from miden.ipld.links import COMMITMENTS, LINK_FUNCTIONS, links
from miden.ipld.mast import implode, node_block, node_cid, node_root
from miden.ipld.multihash import MAST_RPO_256
from miden.mast.versions import CURRENT
from miden.store.cache import DEFAULT_BUDGET, Loaded, make_cache
from miden.store.envelope import Envelope
from miden.store.keys import BLOCK_SPACE, CODE_SPACES, DIGEST_SIZE, ObjectKey
from miden.store.objects import envelopes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from miden.store.cache import Cache
    from miden.store.chain import Fetched
    from miden.store.store import ObjectStore

BLOCK_KIND = 64
"""Number of blocks among the kinds of objects (`miden.store.kinds`)."""

MAX_BLOCK = 2**23 - MAX_CID
"""Bytes of a block that is put: one that a CAR file can carry."""

BATCH_BLOCKS = 1024
BATCH_BYTES = 16 * 2**20
"""What is put into a store in one go."""

BLOCK_WEIGHT = 250
"""Bytes of a block in the cache beside its own."""

_WORD = Struct("<4Q")


class BlockObject(NamedTuple):
    """A block from the store: the bytes of its CID, and its own."""

    name: bytes
    data: bytes

    @property
    def content(self) -> bytes:
        """BLAKE3 hash of the block."""
        return blake3(self.data).digest()


def key_of(cid: Cid) -> ObjectKey:
    """Return the key that a CID is found by: that of code for a node of MAST, else that of a block.

    >>> key_of(Cid.of(b"hi", codec=0x55)).space, key_of(Cid(1, MAST_NODE, MAST_RPO_256, bytes(32))).space
    (256, 0)
    """
    if (cid.codec, cid.hash_code, len(cid.digest)) == (MAST_NODE, MAST_RPO_256, DIGEST_SIZE) and max(_WORD.unpack(cid.digest)) < P:
        return ObjectKey(CURRENT.number, cid.digest)
    return ObjectKey.block(cid.to_bytes())


def block_envelope(cid: Cid, data: bytes) -> Envelope:
    """Return the object that a block is kept as.

    Raises `IntegrityError` for a block that does not hash to its CID, `FormatError` for one that is not of its codec, `InputError`
    of kind ``UnknownHash`` or ``UnknownCodec`` for a CID that cannot be checked, or whose links cannot be told, and of kind
    ``BlockTooLarge``.
    """
    if len(data) > MAX_BLOCK:
        raise InputError(
            f"a block has at most {MAX_BLOCK} bytes, found {len(data)}", kind="BlockTooLarge", hint="cut it in pieces and link to them"
        )
    cid.verify(data)
    key = key_of(cid)
    if key.space != BLOCK_SPACE:
        return envelopes_of(implode([node_root(cid)], {cid: data}.get))[0]
    if cid.codec not in LINK_FUNCTIONS:
        raise InputError(
            f"nothing is known of the links of codec {cid.codec:#x}, so what block {cid} needs could not be kept with it",
            kind="UnknownCodec",
        )
    return Envelope(BLOCK_KIND, (key,), tuple(sorted(linked_keys(cid.codec, data))), cid.to_bytes(), data)


def linked_keys(codec: int, data: bytes) -> set[ObjectKey]:
    """Return the keys of what a block links to; blocks inside of identity CIDs are looked through, commitments name no block."""
    found: set[ObjectKey] = set()
    pending = [(codec, data)]
    while pending:
        for child in links(*pending.pop()):
            if not child.is_identity:
                if child.codec not in COMMITMENTS:
                    found.add(key_of(child))
            elif child.codec in LINK_FUNCTIONS:
                pending.append((child.codec, child.digest))
    return found


def decode_block(envelope: Envelope, *, verify: bool) -> BlockObject:
    """Return the block in an envelope; the border of the store calls this.

    With `verify`, the block is hashed and its links are read again; raises `FormatError` or `IntegrityError`.
    """
    if verify:
        try:
            expected = block_envelope(Cid.from_bytes(envelope.facts), envelope.payload)
        except InputError as problem:
            raise FormatError(problem.message, kind=problem.kind) from problem
        if expected != envelope:
            raise IntegrityError(
                "the object lies about its keys or links: they are others for its block",
                expected=f"{expected.keys[0]} with {len(expected.links)} links",
                found=f"{envelope.keys[0]} with {len(envelope.links)}",
                kind="CommitmentMismatch",
            )
    return BlockObject(envelope.facts, envelope.payload)


class StoreBlocks:
    """The blocks of an object store, code among them: what is got is verified, what is put survives a loss of power.

    Putting one block costs a sync of the disk: put many at once, or buffer them (`miden.ipld.blocks.BufferedBlocks`). What no pin
    leads to is garbage.

    Parameters
    ----------
    store
        Its providers are asked in order, as for code; its first that is local and writable keeps what is put.
    cache_bytes
        Bytes of verified blocks that stay in memory, and as many of forests whose nodes were asked for.

    Examples
    --------
    >>> from miden.ipld.blocks import load_block, store_block
    >>> from miden.store.providers.memory import MemoryProvider
    >>> from miden.store.store import ObjectStore
    >>> blocks = StoreBlocks(ObjectStore([MemoryProvider()]))
    >>> cid = store_block(blocks, b"hi", codec=0x55)
    >>> load_block(blocks, cid), cid in blocks, list(blocks) == [cid]
    (b'hi', True, True)
    """

    def __init__(self, store: ObjectStore, *, cache_bytes: int = DEFAULT_BUDGET) -> None:
        self.store = store
        self._cache: Cache[Cid, bytes] = make_cache("arc", cache_bytes)
        self._held = HeldForests(cache_bytes)
        self._behind: StoreBlocks | None = None

    def walk(self) -> StoreBlocks:
        """Return the same blocks for one walk: forests that it meets stay in memory as long as what is returned.

        An inner node of a forest is found only through a procedure, and afterwards only while the forest is in memory; a walk that
        comes back to it much later, when other forests took its place, would find it no more.
        """
        made = copy(self)
        made._held, made._behind = HeldForests(None), self
        return made

    def get(self, cid: Cid) -> bytes | None:
        """Return a block, verified, or None if no provider has it.

        A node is found by the root of a procedure; from then on all nodes of its forest are, until others need the room (`walk`).

        Raises `IntegrityError` if all that was found was wrong, `NotFoundError` if a provider that may have it failed.
        """
        data = self._cache.get(cid)
        return self.get_many((cid,)).get(cid) if data is None else data

    def get_many(self, cids: Iterable[Cid]) -> dict[Cid, bytes]:
        """Return those blocks that some provider has, asking each provider once; raises as `get` does."""
        found: dict[Cid, bytes] = {}
        wanted: dict[ObjectKey, Cid] = {}
        for cid in cids:
            key = key_of(cid)
            data = cid.digest if cid.is_identity else self._node(cid.digest) if key.space in CODE_SPACES else self._cache.peek(cid)
            if data is not None:
                found[cid] = data
            elif key.space == BLOCK_SPACE:
                wanted[key] = cid
        for key, fetched in (self.store.fetch_many(wanted) if wanted else {}).items():
            cid, data = wanted[key], _block(fetched).data
            self._cache.put(Loaded(data, len(data) + BLOCK_WEIGHT, (cid,)))
            found[cid] = data
        return found

    def _node(self, digest: bytes) -> bytes | None:
        held = self._find(digest)
        return None if held is None else node_block(held.forest, held.nodes[digest])

    def _find(self, digest: bytes) -> HeldForest | None:
        held = self._held.find(digest)
        if held is None:
            held = self._load(digest) if self._behind is None else self._behind._find(digest)
            if held is not None:
                self._held.hold(held)
        return held

    def _load(self, digest: bytes) -> HeldForest | None:
        try:
            return HeldForest(self.store.get(ObjectKey(CURRENT.number, digest)))
        except NotFoundError:
            return None

    def put(self, cid: Cid, data: bytes) -> None:
        """Keep a block; raises as `block_envelope` does, and `StorageError`."""
        self.put_many([(cid, data)])

    def put_many(self, blocks: Iterable[tuple[Cid, bytes]], *, pin: Sequence[Cid] = (), owner: str | None = None) -> int:
        """Keep blocks, and return how many; `pin` is pinned with the last of them, for `owner`. Raises as `put` does.

        Everything is verified before it is put; a crash leaves some of the blocks, each whole, and no pin.
        """
        batch: list[Envelope] = []
        count = size = 0
        for cid, data in blocks:
            if cid.is_identity:
                cid.verify(data)
                continue
            batch.append(block_envelope(cid, data))
            count += 1
            size += len(data)
            if len(batch) >= BATCH_BLOCKS or size >= BATCH_BYTES:
                self.store.keep(batch)
                batch, size = [], 0
        if batch:
            self.store.keep(batch)
        if pin:
            self.pin(*pin, owner=owner)
        return count

    def pin(self, *cids: Cid, owner: str | None = None) -> None:
        """Keep blocks and what they link to whenever garbage is collected; raises as `ObjectStore.pin` does."""
        self.store.pin(*map(key_of, cids), owner=owner)

    def unpin(self, cid: Cid, *, owner: str | None = None) -> bool:
        """Take back a pin and return whether there was one."""
        return self.store.unpin(key_of(cid), owner=owner)

    def remove(self, cid: Cid) -> bool:
        """Forget a block in all providers that are local and writable; raises as `ObjectStore.remove` does."""
        self._cache.discard(cid)
        key = key_of(cid)
        if key.space in CODE_SPACES:
            self._held.clear()
        return self.store.remove(key)

    def __contains__(self, cid: Cid) -> bool:
        """Tell whether some provider claims to have a block."""
        key = key_of(cid)
        held = key.digest in self._held if key.space in CODE_SPACES else cid.is_identity or cid in self._cache
        return held or self.store.contains(key)

    def __iter__(self) -> Iterator[Cid]:
        """Iterate over the CIDs of what is in local providers: roots of code, then blocks."""
        keys = sorted(self.store.roots())
        yield from (node_cid(key.digest) for key in keys if key.space == CURRENT.number)
        blocks = [key for key in keys if key.space == BLOCK_SPACE]
        for start in range(0, len(blocks), BATCH_BLOCKS):
            for fetched in self.store.fetch_many(blocks[start : start + BATCH_BLOCKS]).values():
                yield Cid.from_checked(_block(fetched).name)


def _block(fetched: Fetched) -> BlockObject:
    block = fetched.admitted.value
    assert isinstance(block, BlockObject)  # the border lets nothing else pass for a key of a block
    return block
