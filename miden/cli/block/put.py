"""`miden block put`: put files into a store as blocks."""

from __future__ import annotations

from miden.cli.block.names import CODEC_CHOICE
from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "put",
    argument("files", FilePath(allow_dash=True), multiple=True),
    option("--codec", type=CODEC_CHOICE, help="What FILES are written in; by default mast-forest for artifacts, else raw."),
    option("--hash", name="hash_", metavar="NAME", default="blake2b-256", help="Hash function of the CID, such as sha2-256 or rpo256."),
    flag("--json-value", name="value", help="Read FILES as dag-json, and keep their values as dag-cbor, or in --codec dag-json."),
    flag("--no-pin", help="Leave the blocks to the next collection of garbage, unless something else needs them."),
    option("--owner", metavar="NAME", help="Who pins the blocks; manual by default."),
    *STORE_OPTIONS,
)
def command(
    console: Console,
    files: tuple[str, ...],
    codec: str | None,
    hash_: str,
    value: bool,
    no_pin: bool,
    owner: str | None,
    place: str | None,
    config: str | None,
) -> int:
    """Put each of FILES into the store as a block, and pin it. Prints each CID.

    What a block links to need not be there yet. The store has to know its codec, so that nothing it needs is collected.
    """
    from miden.cli.block.names import codec_of
    from miden.cli.files import read_bytes
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store, keeps_pins
    from miden.cli.verb import MisuseError
    from miden.ipld.cid import CODECS, DAG_CBOR, Cid
    from miden.ipld.multihash import HASH_CODES
    from miden.ipld.objects import StoreBlocks

    if hash_ not in HASH_CODES:
        raise MisuseError(
            f"there is no hash function {hash_!r}, there is {', '.join(name for name in HASH_CODES if 'blake' not in name)}, "
            "blake2b-8 to blake2b-512, blake2s-8 to blake2s-256",
            option="--hash",
        )
    if value and codec not in (None, "dag-cbor", "dag-json"):
        raise MisuseError("values of dag-json are kept as dag-cbor or dag-json", option="--json-value")
    blocks: list[tuple[Cid, bytes]] = []
    for path in files:
        data = read_bytes(path)
        code = codec_of(data) if codec is None else CODECS[codec]
        if value:
            code = DAG_CBOR if codec is None else code
            data = _encoded(data, code)
        blocks.append((Cid.of(data, code, HASH_CODES[hash_]), data))
    with find_store(place, config, create=True) as store, progress(console, "putting") as show:
        places = StoreBlocks(store)
        pin = [] if no_pin or not keeps_pins(store) else [cid for cid, _ in blocks if not cid.is_identity]
        places.put_many(blocks, pin=pin, owner=owner)
        if show is not None:
            show(len(blocks), len(blocks))
    if console.json:
        console.document(
            {"put": [{"file": path, "cid": str(cid), "bytes": len(data)} for path, (cid, data) in zip(files, blocks, strict=True)]}
        )
        return 0
    for path, (cid, _) in zip(files, blocks, strict=True):
        console.print(f"{console.style(str(cid), 'digest')}  {path}")
    return 0


def _encoded(text: bytes, codec: int) -> bytes:
    from miden.ipld import dagcbor, dagjson
    from miden.ipld.cid import DAG_CBOR

    value = dagjson.decode(text)
    return dagcbor.encode(value) if codec == DAG_CBOR else dagjson.encode(value)
