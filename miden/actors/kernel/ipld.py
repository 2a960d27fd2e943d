"""Blocks: open, create, read, stat, link. (fvm.md section 2.4.)"""

from __future__ import annotations

from hashlib import blake2b

from miden.actors.codes import ErrorNumber, Fatal, SyscallError
from miden.actors.kernel.base import KernelBase, fail, fit, syscall
from miden.actors.reach import DIGEST_SIZE
from miden.actors.registry import Block
from miden.errors import FormatError
from miden.ipld.cid import Cid, cid_prefix
from miden.ipld.multihash import BLAKE2B_256, digest

MAX_BLOCK_SIZE = 1 << 20
MAX_I32 = (1 << 31) - 1


class IpldCalls(KernelBase):
    """Calls of module ``ipld``."""

    __slots__ = ()

    @syscall("ipld")
    def block_open(self, cid: Cid) -> tuple[int, int, int]:
        """Open a block of the store by its CID; its links become reachable.

        Returns
        -------
        handle, codec, size

        Raises
        ------
        SyscallError
            NOT_FOUND unless the CID is in the reachable set, LIMIT_EXCEEDED when no handle is left.
        Fatal
            When the store has no such block.
        """
        prices, gas = self.prices, self.gas
        gas.charge("OnBlockOpenBase", prices.link_checked, prices.block_open)
        if self.guarded and not self.registry.is_reachable(cid.to_bytes()):
            fail(ErrorNumber.NOT_FOUND, f"block {cid} is not reachable")
        data = self.machine.blocks.get(cid)
        if data is None:
            raise Fatal(f"block {cid} is missing from the state", kind="MissingBlock")
        if self.calls.tracing:
            self.calls.trace_ipld("get", cid, len(data))
        codec = cid.codec
        block = self.machine.profile.scan(codec, data, prices, gas) if self.guarded else Block(codec, data)
        gas.charge(*prices.on_block_open(len(data), block.link_count))
        return self.registry.put_reachable(block), codec, len(data)

    @syscall("ipld")
    def block_create(self, codec: int, data: bytes) -> int:
        """Make a block and return its handle. It is reachable only when it is linked.

        Raises
        ------
        SyscallError
            LIMIT_EXCEEDED for more than 1 MiB, ILLEGAL_CODEC, SERIALIZATION for bytes that are not of the codec, NOT_FOUND for a
            link to what is not reachable.
        """
        if len(data) > MAX_BLOCK_SIZE:
            fail(ErrorNumber.LIMIT_EXCEEDED, f"a block has at most {MAX_BLOCK_SIZE} bytes, not {len(data)}")
        if not self.guarded:
            self.gas.charge(*self.prices.on_block_create(len(data), 0))
            return self.registry.put_reachable(Block(codec, data))
        profile = self.machine.profile
        if codec not in profile.codecs:
            fail(ErrorNumber.ILLEGAL_CODEC, f"an actor makes no block of codec {codec:#x}")
        block = profile.scan(codec, data, self.prices, self.gas)
        self.gas.charge(*self.prices.on_block_create(len(data), block.link_count))
        return self.registry.put_checked(block)

    @syscall("ipld")
    def block_read(self, handle: int, offset: int, size: int) -> tuple[bytes, int]:
        """Read up to `size` bytes of a block.

        Returns
        -------
        the bytes, and the size of the block less `offset + size`: negative when it ended before

        Raises
        ------
        SyscallError
            ILLEGAL_ARGUMENT when `offset + size` is no positive i32, INVALID_HANDLE.
        """
        end = offset + size
        if end > MAX_I32:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"offset {offset} and size {size} together do not fit an i32")
        data = self.registry.get(handle).data
        rest = len(data) - end
        read = data[offset:end]
        self.gas.charge("OnBlockRead", self.prices.block_copy_byte * len(read))
        return read, rest

    @syscall("ipld")
    def block_stat(self, handle: int) -> tuple[int, int]:
        """Return codec and size of a block; raises INVALID_HANDLE."""
        self._free("OnBlockStat")
        block = self.registry.get(handle)
        return block.codec, len(block.data)

    @syscall("ipld")
    def block_link(self, handle: int, hash_code: int, hash_size: int, room: int | None = None) -> Cid:
        """Put a block into the store, and its CID into the reachable set.

        Raises
        ------
        SyscallError
            ILLEGAL_CID for a hash that links may not have, INVALID_HANDLE, SERIALIZATION for bytes that the hash function does not
            take; BUFFER_TOO_SMALL if the CID has more than `room` bytes, **when all is done**.
        """
        if hash_size != DIGEST_SIZE or hash_code not in self.machine.profile.hashes:
            fail(ErrorNumber.ILLEGAL_CID, f"a link has no {hash_size} bytes of hash function {hash_code:#x}")
        block = self.registry.get(handle)
        data = block.data
        self.gas.charge(*self.prices.on_block_link(hash_code, len(data)))
        if hash_code == BLAKE2B_256:
            value = blake2b(data, digest_size=DIGEST_SIZE).digest()
        else:
            try:
                value = digest(hash_code, data)
            except FormatError as problem:
                raise SyscallError(ErrorNumber.SERIALIZATION, problem.message) from problem
        raw = cid_prefix(block.codec, hash_code, DIGEST_SIZE) + value
        cid = Cid.from_checked(raw)
        self.machine.blocks.put(cid, data)
        self.registry.mark_reachable(raw)
        if self.calls.tracing:
            self.calls.trace_ipld("put", cid, len(data))
        fit(raw, room)
        return cid
