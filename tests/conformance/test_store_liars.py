"""Must show: a provider that lies is refused within limits, and the next one is asked (promises R17, R18, R26)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from blake3 import blake3

from miden.assembly import assemble
from miden.errors import FormatError, IntegrityError, MidenError, NotFoundError, StorageError
from miden.isa import NodeKind
from miden.mast.advice_map import AdviceMap
from miden.mast.builder import ForestBuilder
from miden.store import zstd
from miden.store.envelope import HEAD, Codec
from miden.store.keys import ObjectKey
from miden.store.objects import envelopes_of
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from tests.support.objects import block_forest, calling_forest, enveloped, key_of, root_of, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.mast.forest import MastForest


class Liar(MemoryProvider):
    """Returns the same for everything it is asked."""

    def __init__(self, answer: object) -> None:
        super().__init__("liar", local=False)
        self.answer = answer

    def get(self, key: ObjectKey) -> bytes | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]

    def get_many(self, keys: Sequence[ObjectKey]) -> dict[ObjectKey, bytes]:
        unasked = ObjectKey(0, bytes(31) + b"\1")
        return {key: self.get(key) for key in (*keys, unasked)}  # type: ignore[misc]


WANTED = calling_forest(7, [root_of(block_forest(8))])


def hiding_forest() -> MastForest:
    """Return a forest whose only procedure is an external node with the wanted root."""
    builder = ForestBuilder()
    builder.add_root(builder.add_node(NodeKind.EXTERNAL, digest=root_of(WANTED).to_bytes()))
    return builder.build()


def forged_forest() -> MastForest:
    """Return other code whose node claims to have the wanted digest."""
    other = block_forest(99)
    nodes = other.node_bytes[:-32] + root_of(WANTED).to_bytes()
    return type(other)(nodes, other.operation_bytes, other.immediate_bytes, other.root_bytes)


def as_wanted(payload: bytes, codec: Codec = Codec.RAW, **changes: Any) -> bytes:
    [envelope] = envelopes_of(WANTED)
    return envelope._replace(payload=payload, **changes).to_bytes(codec)


def bomb(claimed: int, content: int) -> bytes:
    """Return a compressed object that claims one size and has another."""
    data = bytearray(as_wanted(bytes(content), Codec.ZSTD)[:-32])
    fields = list(HEAD.unpack_from(data))
    fields[8] = claimed
    HEAD.pack_into(data, 0, *fields)
    return bytes(data) + blake3(data).digest()


[HONEST] = envelopes_of(WANTED)
LIES: dict[str, object] = {
    "another forest": stored(block_forest(1)).data,
    "another forest under the wanted key": enveloped(block_forest(1), keys=(key_of(WANTED),)),
    "an external node that hides the procedure": as_wanted(hiding_forest().to_bytes()),
    "a forged digest": as_wanted(forged_forest().to_bytes()),
    "other decorators under the old commitment": as_wanted(
        WANTED.replace(debug_info=assemble("begin add end").forest.debug_info).to_bytes()
    ),
    "other advice under the old commitment": as_wanted(WANTED.replace(advice_map=AdviceMap({(1, 2, 3, 4): [5]})).to_bytes()),
    "another commitment to its roots": enveloped(WANTED, facts=bytes(32) + HONEST.facts[32:]),
    "a link too few": enveloped(WANTED, links=()),
    "a link too many": enveloped(WANTED, links=(*HONEST.links, ObjectKey(0, bytes(32)))),
    "a key too many": enveloped(WANTED, keys=tuple(sorted((*HONEST.keys, ObjectKey(0, bytes(32)))))),
    "a key of another MAST version": enveloped(WANTED, keys=(ObjectKey(1, key_of(WANTED).digest),)),
    "an unknown kind": enveloped(WANTED, kind=9),
    "no envelope": WANTED.to_bytes(),
    "nothing": b"",
    "text": "an object",
    "a list": [1, 2, 3],
    "half an object": stored(WANTED).data[:-50],
    "an object and more": stored(WANTED).data + b"more",
    "ten gigabytes in a small frame": bomb(10 * 2**30, 2**26),
    "more than it says": bomb(1000, 2**26),
    "less than it says": bomb(2**20, 1000),
    "a broken disk": OSError(5, "Input/output error"),
    "a fault": StorageError("no connection", kind="ConnectionFailed"),
    "damage": IntegrityError("it says so itself", kind="DamagedPack"),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.replace(" ", "-"))
def test_a_provider_that_lies_is_not_believed_and_the_next_is_asked(lie: str) -> None:
    honest = MemoryProvider("honest", local=False)
    honest.put_many([stored(WANTED)])
    home = MemoryProvider("home")
    store = ObjectStore([home, Liar(LIES[lie]), honest])
    assert store.get(root_of(WANTED)) == WANTED
    counters = store.counters.providers
    assert counters["liar"].found == 0
    assert counters["liar"].refused + counters["liar"].faults == 1
    assert home.get(key_of(WANTED)) == stored(WANTED).data
    many = ObjectStore([Liar(LIES[lie]), honest])
    assert many.get_many([root_of(WANTED)]) == {key_of(WANTED): WANTED}
    with pytest.raises(MidenError) as caught:
        ObjectStore([Liar(LIES[lie])]).get(root_of(WANTED))
    assert "liar" in caught.value.message
    fault = isinstance(LIES[lie], (OSError, StorageError))
    assert isinstance(caught.value, NotFoundError if fault else IntegrityError)


def test_a_bomb_takes_little_memory() -> None:
    def resident() -> int:
        with open("/proc/self/statm") as file:  # noqa: PTH123 (no file of ours)
            return int(file.read().split()[1]) * 4096

    frame = zstd.compress(bytes(2**30))
    assert len(frame) < 40_000
    before = resident()
    with pytest.raises(FormatError) as caught:
        zstd.decompress(frame, 2**30)
    assert caught.value.kind == "CompressionBomb"
    with pytest.raises(IntegrityError):
        zstd.decompress(frame, 2**20)
    assert resident() - before < 32 * 2**20


def test_a_provider_without_the_object_is_named() -> None:
    store = ObjectStore([MemoryProvider("one"), Liar(OSError(5, "Input/output error")), MemoryProvider("two", local=False)])
    with pytest.raises(NotFoundError) as caught:
        store.get(root_of(WANTED))
    assert caught.value.kind == "ObjectNotFound"
    assert str(key_of(WANTED)) in caught.value.message
    assert "one, liar ([Errno 5] Input/output error), two" in caught.value.message
