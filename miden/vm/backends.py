"""The two backends and the choice between them.

A backend is a hash function and a machine. `core` is compiled and fast; `pure` is Python, made to be read, and the
second witness: it computes nothing with the core. None picks the core if it is built.
"""

from __future__ import annotations

from miden.errors import BackendError, FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from miden.mast.forest import MastForest
    from miden.vm.machine import Code, Machine
    from miden.vm.merkle import MerkleStore, Node
    from miden.vm.options import Limits

NAMES = ("core", "pure")
"""Backends that can be asked for by name."""

TIERS = {"core:plain": 1, "core:hot": 2}
"""The core with all code run by its plain engine, or translated when it is first started: for tests and measurements."""


class Backend:
    """A hash function and a machine.

    Digests are 32 bytes, felts are integers.

    Attributes
    ----------
    name
        ``core`` or ``pure``.
    merge, merge_in_domain
        Two digests (and a domain) to one.
    merge_many
        Pairs of digests, one behind the other, to as many digests.
    hash_elements
        Felts to a digest.
    permute
        Twelve felts to twelve felts.
    make_links
        Makes what `miden.vm.links` says, None where machines always ask.
    merkle_store
        Nodes to a `MerkleStore`.
    largest_slice
        Cycles after which the driver looks at the clock and at Ctrl-C: few enough to take some hundredths of a second
        even if every one of them hashes, enough to make looking cheap.
    """

    __slots__ = (
        "_code",
        "_machine",
        "_tier",
        "hash_elements",
        "largest_slice",
        "make_links",
        "merge",
        "merge_in_domain",
        "merge_many",
        "merkle_store",
        "name",
        "permute",
    )

    def __init__(
        self,
        name: str,
        *,
        code: Callable[[bytes, bytes, bytes, bytes], Code],
        machine: Callable[..., Machine],
        merge: Callable[[bytes, bytes], bytes],
        merge_in_domain: Callable[[bytes, bytes, int], bytes],
        merge_many: Callable[[bytes], bytes],
        hash_elements: Callable[[Sequence[int]], bytes],
        permute: Callable[[Sequence[int]], list[int]],
        merkle_store: Callable[[Iterable[Node]], MerkleStore],
        largest_slice: int,
        tier: int = 0,
        make_links: Callable[[list[tuple[bytes, Code, int, int]]], object] | None = None,
    ) -> None:
        self.name = name
        self.largest_slice = largest_slice
        self._code = code
        self._machine = machine
        self._tier = tier
        self.merge = merge
        self.merge_in_domain = merge_in_domain
        self.merge_many = merge_many
        self.hash_elements = hash_elements
        self.permute = permute
        self.merkle_store = merkle_store
        self.make_links = make_links

    def load(self, forest: MastForest) -> Code:
        """Return the forest as this backend's machine wants it: made on first use and kept in the forest.

        Raises `FormatError` if the forest is not well formed.
        """
        code: Code | None = forest.compiled.get(self.name)  # type: ignore[assignment]  # one dictionary serves all backends
        if code is None:
            try:
                code = self._code(forest.node_bytes, forest.operation_bytes, forest.immediate_bytes, forest.root_bytes)
            except ValueError as error:
                raise FormatError(f"not a well-formed forest: {error}", kind="InvalidForest") from error
            code.owner = forest
            forest.compiled[self.name] = code
        return code

    def machine(
        self,
        code: Code,
        entrypoint: int,
        kernel: bytes,
        stack: Sequence[int],
        advice_stack: Sequence[int],
        limits: Limits,
        debug: bool = False,
    ) -> Machine:
        """Return a machine at the start of a run; `stack` is top first, `advice_stack` first popped first."""
        machine = self._machine(
            code,
            entrypoint,
            kernel,
            stack,
            advice_stack,
            limits.max_cycles,
            limits.max_stack,
            limits.max_memory,
            limits.max_continuations,
            debug,
        )
        if self._tier:
            machine.tier = self._tier  # type: ignore[attr-defined]  # the core's machine
        return machine

    def __repr__(self) -> str:
        return f"<Backend {self.name}>"


_loaded: dict[str, Backend] = {}


def get_backend(name: str | Backend | None = None) -> Backend:
    """Return a backend by name; None gives the core if it is built, else the pure one.

    Raises
    ------
    BackendError
        If there is no such backend or it is not built, saying why.

    Examples
    --------
    >>> get_backend("pure").name
    'pure'
    """
    if isinstance(name, Backend):
        return name
    if name is None:
        try:
            return get_backend("core")
        except BackendError:
            return get_backend("pure")
    backend = _loaded.get(name)
    if backend is None:
        if name not in NAMES and name not in TIERS:
            raise BackendError(f"there is no backend {name!r}, expected one of {', '.join(NAMES)}", kind="UnknownBackend")
        backend = _loaded[name] = _load_pure() if name == "pure" else _load_core(name)
    return backend


def _load_core(name: str) -> Backend:
    try:
        from miden._core import rpo
        from miden._core.forest import Code
        from miden._core.processor import Links, Machine
    except ImportError as error:
        hint = "build it with `make build`, or use backend='pure'"
        raise BackendError(f"the core is not built: {error}", kind="BackendNotBuilt", hint=hint) from error

    def merkle_store(nodes: Iterable[Node]) -> MerkleStore:
        from miden.vm.merkle_core import CoreMerkleStore

        return CoreMerkleStore(nodes)

    return Backend(
        name,
        code=Code,
        machine=Machine,  # type: ignore[arg-type]  # its `code` is its own class, not any Code
        merge=rpo.merge,
        merge_in_domain=rpo.merge_in_domain,
        merge_many=rpo.merge_many,
        hash_elements=rpo.hash_elements,
        permute=rpo.permute,
        merkle_store=merkle_store,
        largest_slice=2**18,  # it stops earlier by itself when rows are expensive
        tier=TIERS.get(name, 0),
        make_links=Links,  # type: ignore[arg-type]  # its `code` is its own class, not any Code
    )


def _load_pure() -> Backend:
    from miden import rpo
    from miden.field import Word
    from miden.pure.code import Code
    from miden.pure.machine import Machine
    from miden.vm.merkle import EmptySubtrees, MerkleStore

    def merge(left: bytes, right: bytes) -> bytes:
        return rpo.merge(Word.from_bytes(left), Word.from_bytes(right)).to_bytes()

    def merge_in_domain(left: bytes, right: bytes, domain: int) -> bytes:
        return rpo.merge_in_domain(Word.from_bytes(left), Word.from_bytes(right), domain).to_bytes()

    def merge_many(pairs: bytes) -> bytes:
        return b"".join([merge(pairs[at : at + 32], pairs[at + 32 : at + 64]) for at in range(0, len(pairs), 64)])

    def hash_elements(elements: Sequence[int]) -> bytes:
        return rpo.hash_elements(elements).to_bytes()

    empty_subtrees = EmptySubtrees(merge)
    return Backend(
        "pure",
        code=Code,
        machine=Machine,  # type: ignore[arg-type]  # its `code` is its own class, not any Code
        merge=merge,
        merge_in_domain=merge_in_domain,
        merge_many=merge_many,
        hash_elements=hash_elements,
        permute=rpo.permute,
        merkle_store=lambda nodes: MerkleStore(merge, nodes, empty_subtrees),
        largest_slice=2**9,
    )


def describe() -> dict[str, Any]:
    """Say which backends there are, which one runs by default and why, and on what machine.

    JSON-ready: ``version``, ``python``, ``platform``, ``cpu``, ``default``, ``backends`` (name -> available, reason).
    """
    import platform
    import sys

    from miden._version import __version__

    backends: dict[str, dict[str, Any]] = {}
    for name in NAMES:
        try:
            get_backend(name)
        except BackendError as error:
            backends[name] = {"available": False, "reason": error.message, "hint": error.hint}
        else:
            backends[name] = {"available": True, "reason": "built and loaded" if name == "core" else "always available"}
    default = get_backend().name
    return {
        "version": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{sys.platform} {platform.machine()}",
        "cpu": _cpu(),
        "default": default,
        "why": "the core is built" if default == "core" else f"the core is missing: {backends['core']['reason']}",
        "backends": backends,
    }


_FEATURES = ("sse4_2", "avx2", "bmi2", "adx", "avx512f", "avx512ifma", "asimd", "sve")


def _cpu() -> dict[str, Any]:
    """Name the processor and those of its features that matter for field arithmetic, as far as the system tells."""
    import os
    import platform

    model, flags = platform.processor() or platform.machine(), set[str]()
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 -- pathlib costs start-up time
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    model = value.strip()
                elif key.strip() in ("flags", "Features"):
                    flags.update(value.split())
                elif not line.strip():
                    break
    except OSError:
        pass
    return {"model": model, "cores": os.cpu_count(), "features": [name for name in _FEATURES if name in flags]}
