"""Which links of a block count, and what finding them costs: the scan behind `block_open` and `block_create`.

Profile ``fvm`` is the network's rule (fvm.md section 2.2): a link has an allowed codec and blake2b-256, or is an identity CID,
whose inlined bytes are scanned in its place, or names a commitment, which is passed over; anything else cannot be found. Profile
``miden`` allows blocks of MAST and digests of RPO besides.
"""

from __future__ import annotations

from miden.actors.codes import ErrorNumber, OutOfGas, SyscallError
from miden.actors.registry import Block
from miden.errors import FormatError
from miden.ipld.cid import CBOR, DAG_CBOR, MAST_FOREST, MAST_NODE, RAW, Cid
from miden.ipld.links import count_plain_links, links, scan_dagcbor
from miden.ipld.multihash import BLAKE2B_256, IDENTITY, MAST_RPO_256, RPO_256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.gas import GasTracker
    from miden.actors.prices import PriceList

COMMITMENTS = frozenset((0xF101, 0xF102))
"""Codecs of commitments to pieces and sectors: names of data that is elsewhere."""
DIGEST_SIZE = 32

_WORD = 8


class Profile:
    """What blocks and links may be: codecs that actors may create and link to, and hash functions of links."""

    def __init__(self, name: str, codecs: frozenset[int], hashes: frozenset[int]) -> None:
        self.name = name
        self.codecs = codecs
        self.hashes = hashes

    def scan(self, codec: int, data: bytes, prices: PriceList, gas: GasTracker) -> Block:
        """Return a block with the links in it that count, in order, and charge for the search.

        Raises
        ------
        SyscallError
            SERIALIZATION for bytes that are no block of the codec, NOT_FOUND for a link to what cannot be a block here.
        OutOfGas
            Where the search came to the end of the gas.
        """
        if codec == DAG_CBOR:
            found = count_plain_links(data)
            if found is None:
                return self._scan_slowly(codec, data, prices, gas)
            count, fields = found
            cost = prices.scan_field * fields + prices.scan_link * count
            if cost > gas.limit - gas.used:
                return self._scan_slowly(codec, data, prices, gas)
            gas.charge("OnScanIpldLinks", cost)
            return Block(codec, data, None if count else (), count)
        if codec in (MAST_FOREST, MAST_NODE):
            return self._scan_slowly(codec, data, prices, gas)
        gas.charge("OnScanIpldLinks", 0)
        return Block(codec, data)

    def _scan_slowly(self, codec: int, data: bytes, prices: PriceList, gas: GasTracker) -> Block:
        search = _Search(self, prices, gas.available)
        try:
            search.visit(codec, data)
        finally:
            gas.charge("OnScanIpldLinks", search.used)
        return Block(codec, data, search.found, len(search.found))


class _Search:
    """A search that stops at the first error or where the gas ends, and knows what it used until there."""

    def __init__(self, profile: Profile, prices: PriceList, available: int) -> None:
        self.profile = profile
        self.prices = prices
        self.available = available
        self.used = 0
        self.found: list[bytes] = []

    def pay(self, amount: int) -> None:
        self.used += amount
        if self.used > self.available:
            self.used = self.available
            raise OutOfGas

    def visit(self, codec: int, data: bytes) -> None:
        """Search a block. It comes back here for inlined blocks; those fit 64 bytes, so that eleven levels are the most."""
        if codec == DAG_CBOR:
            scan = scan_dagcbor(data)
            counted = 0
            for raw, fields in scan.links:
                self.pay(self.prices.scan_field * (fields - counted) + self.prices.scan_link)
                counted = fields
                self.visit_link(Cid.from_checked(raw))
            self.pay(self.prices.scan_field * (scan.fields - counted) + self.prices.scan_link * scan.in_link)
            if scan.error is not None:
                raise SyscallError(ErrorNumber.SERIALIZATION, scan.error.message)
        elif codec in (MAST_FOREST, MAST_NODE):
            self.pay(self.prices.scan_field * (len(data) // _WORD))
            try:
                found = links(codec, data)
            except FormatError as problem:
                raise SyscallError(ErrorNumber.SERIALIZATION, problem.message) from problem
            self.pay(self.prices.scan_link * len(found))
            self.found += (link.to_bytes() for link in found)

    def visit_link(self, cid: Cid) -> None:
        """Say what one link counts as."""
        codec, hash_code = cid.codec, cid.hash_code
        if codec in COMMITMENTS:
            return
        if codec not in self.profile.codecs:
            raise SyscallError(ErrorNumber.NOT_FOUND, f"a block links to codec {codec:#x}")
        if hash_code == IDENTITY:
            self.visit(codec, cid.digest)
            return
        if hash_code not in self.profile.hashes or len(cid.digest) != DIGEST_SIZE:
            raise SyscallError(ErrorNumber.NOT_FOUND, f"a block links by hash function {hash_code:#x} with {len(cid.digest)} bytes")
        self.found.append(cid.to_bytes())


FVM = Profile("fvm", frozenset((CBOR, RAW, DAG_CBOR)), frozenset((BLAKE2B_256,)))
"""The network's own rule."""
MIDEN = Profile("miden", FVM.codecs | {MAST_FOREST, MAST_NODE}, frozenset((BLAKE2B_256, RPO_256, MAST_RPO_256)))
"""Blocks of MAST and digests of RPO as well."""

PROFILES = {profile.name: profile for profile in (FVM, MIDEN)}
"""Profiles by name."""
