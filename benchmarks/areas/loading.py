"""Reading the reference's core library: believing its digests, and computing them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import Case, nanoseconds

from miden._core import forest as core_forest
from miden._core import rpo
from miden.mast.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Setting

TITLE = "Loading the core library, which the reference reads without computing digests"


def collect(setting: Setting) -> Iterator[Case]:
    """Yield loads and the hashing alone; nothing without the reference, which has the file."""
    reference = setting.reference
    if reference is None:
        return
    answer = reference.ask("corelib", bytes=True)
    data = bytes.fromhex(answer["bytes"])
    library = Library.from_bytes(data)
    found = {export: library.find_procedure(export) for export, digest in answer["exports"].items() if digest}
    if {path: digest.to_bytes().hex() for path, digest in found.items() if digest} != {k: v for k, v in answer["exports"].items() if v}:
        raise SystemExit("the exports of the core library differ")
    columns = (library.forest.node_bytes, library.forest.operation_bytes, library.forest.immediate_bytes)
    if any(core_forest.find_wrong_digest(*columns, threads) for threads in (1, 2)):
        raise SystemExit("a digest of the core library is wrong")

    def theirs() -> float:
        return float(reference.ask("bench_corelib", n=9)["read_library_ns"])

    def case(name: str, bar: float | None, work: Callable[[], object], variant: str = "auto") -> Case:
        def ours() -> float:
            rpo.set_variant(variant)
            taken = nanoseconds(work, 5)
            rpo.set_variant("auto")
            return taken

        return Case(name, ours, theirs, "of its time", bar, unit="load")

    yield case("trusted load", 0.10, lambda: Library.from_trusted_bytes(data))
    yield case("untrusted load, every digest computed", 0.60, lambda: Library.from_bytes(data))
    yield case("untrusted load (scalar)", None, lambda: Library.from_bytes(data), "scalar")
    yield case("digests alone, one thread", None, lambda: core_forest.compute_digests(*columns, 1))
    yield case("digests alone, two threads", None, lambda: core_forest.compute_digests(*columns, 2))
