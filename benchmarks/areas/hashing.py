"""RPO-256: one hash after another, many independent ones, and every variant this machine can run."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from harness import Case, nanoseconds

from miden._core import rpo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Setting

TITLE = "Hashing, time per merge"
P = 2**64 - 2**32 + 1


def pack(values: list[int]) -> bytes:
    """Return felts as little-endian bytes."""
    return b"".join(value.to_bytes(8, "little") for value in values)


def collect(setting: Setting) -> Iterator[Case]:
    """Yield the best variant in all uses, then the scalar one by itself."""
    reference, count = setting.reference, setting.size(20_000, 1000)
    chain = pack(list(range(8 * count)))
    numbers = random.Random(1)
    pairs = memoryview(pack([numbers.randrange(P) for _ in range(8 * count)])).cast("Q", shape=[count, 8])
    check(chain, pairs, reference.ask("bench_hash", n=count)["y"] if reference else None)
    best = rpo.variants()[0]

    def theirs() -> float:
        assert reference is not None
        return float(reference.ask("bench_hash", n=count)["merge_ns"])

    def with_variant(name: str, variant: str, bar: float | None, work: Callable[[], object], hashes: int = count) -> Case:
        def ours() -> float:
            rpo.set_variant(variant)
            taken = nanoseconds(work) / hashes
            rpo.set_variant("auto")
            return taken

        return Case(name, ours, theirs if reference else None, "of its time", bar, unit="hash")

    yield with_variant(f"one after another ({best})", best, 0.78, lambda: rpo.hash_packed(chain))
    yield with_variant(f"two side by side ({best})", best, None, lambda: rpo.hash_packed_many([chain, chain]), 2 * count)
    yield with_variant(f"many at once ({best})", best, 0.42, lambda: rpo.hash_many(pairs, 1))
    yield with_variant(f"many at once, two threads ({best})", best, 0.23, lambda: rpo.hash_many(pairs, 2))
    yield with_variant("one after another (scalar)", "scalar", 1.2, lambda: rpo.hash_packed(chain))
    yield with_variant("many at once (scalar)", "scalar", None, lambda: rpo.hash_many(pairs, 1))


def check(chain: bytes, pairs: memoryview, expected: str | None) -> None:
    """Compare the results of all variants with each other and with the reference's, or stop."""
    first: list[list[int]] = pairs[:1000].tolist()  # type: ignore[assignment]
    rows = b"".join(map(rpo.hash_elements, first))
    for variant in rpo.variants():
        rpo.set_variant(variant)
        digest = rpo.hash_packed(chain).hex()
        expected = expected or digest
        if digest != expected or rpo.hash_packed_many([chain, chain]).hex() != expected * 2:
            raise SystemExit(f"{variant}: the digest of a long input is wrong")
        if any(rpo.hash_many(pairs, threads)[: len(rows)] != rows for threads in (1, 2)):
            raise SystemExit(f"{variant}: many hashes differ from single ones")
    rpo.set_variant("auto")
