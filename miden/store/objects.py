"""Code as objects: forests, programs, libraries and packages to envelopes, and back.

The payload of an object is a file of the reference, whole: a forest, or a program with its kernel. Its keys are the roots of
its procedures that are really in it, its links the roots that it takes from elsewhere, its facts two commitments: to the
set of its roots, and to every byte of the payload.

How large an object is, is a policy. ``whole`` keeps a forest as it is. ``procedures`` makes an object of each procedure, in
which calls of other procedures of the forest are external nodes: then two libraries share the procedures that both have.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from blake3 import blake3

from miden.errors import FormatError, InputError, IntegrityError
from miden.hashing import DIGEST_SIZE
from miden.isa import NodeKind
from miden.mast.checks import check_forest, verify_digests
from miden.mast.commitments import roots_commitment
from miden.mast.forest import MastForest
from miden.mast.nodes import DIGEST_OFFSET, NODE_SIZE
from miden.mast.program import Program
from miden.mast.split import split_forest
from miden.mast.versions import CURRENT
from miden.package.package import Package
from miden.store.envelope import Envelope
from miden.store.keys import ObjectKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from miden.mast.library import Library

    Content: TypeAlias = MastForest | Program | Library | Package

POLICIES = ("whole", "procedures")
"""How large an object is."""


class ObjectKind(IntEnum):
    """What the payload of an envelope is, numbered as in the file; code has the numbers below 64."""

    FOREST = 0
    PROGRAM = 1


CODE_KINDS = frozenset(ObjectKind)


class CodeObject(NamedTuple):
    """A code object, decoded: its forest, its program if it is one, and its commitments."""

    forest: MastForest
    program: Program | None
    roots: bytes
    """Commitment to the set of procedure roots, 32 bytes."""
    content: bytes
    """BLAKE3 hash of the payload: covers decorators, advice and whatever else a root does not."""


def envelopes_of(content: Content, policy: str = "whole") -> list[Envelope]:
    """Return the objects that an artifact is kept as.

    A procedure root that is an external node is no key of anything: what is behind it is another object's.

    Raises `InputError` for an unknown policy, something that is no code, or code without a procedure of its own;
    `FormatError` or `IntegrityError` for a forest that is none or has wrong digests.
    """
    if policy not in POLICIES:
        raise InputError(f"the policy is one of {', '.join(POLICIES)}, found {policy!r}", kind="UnknownPolicy")
    if isinstance(content, Package):
        content = content.artifact
    forest = content if isinstance(content, MastForest) else getattr(content, "forest", None)
    if not isinstance(forest, MastForest):
        raise InputError(f"a store keeps forests, programs, libraries and packages, found a {type(content).__name__}", kind="InvalidKind")
    check_forest(forest)
    verify_digests(forest)
    own = [root for root in forest.roots if forest.kind(root) != NodeKind.EXTERNAL]
    if not own:
        raise InputError("the forest has no procedure of its own to be found by", kind="NoRoots")
    program = content if isinstance(content, Program) else None
    if policy == "whole":
        return [_envelope(forest, program)]
    return list(_procedures(forest, own, program))


def _procedures(forest: MastForest, own: list[int], program: Program | None) -> Iterator[Envelope]:
    """Iterate over an object for each procedure; a procedure that occurs twice is kept once."""
    digests = {forest.digest_bytes(root): root for root in reversed(own)}
    external = [forest.digests[root] for root in digests.values()]
    for digest, root in sorted(digests.items()):
        part, ids = split_forest(forest, [root], external=external)
        starts = program is not None and digest == forest.digest_bytes(program.entrypoint)
        yield _envelope(part, Program(part, ids[root], program.kernel) if program is not None and starts else None)


def _envelope(forest: MastForest, program: Program | None) -> Envelope:
    payload = forest.to_bytes() if program is None else program.to_bytes()
    kind = ObjectKind.FOREST if program is None else ObjectKind.PROGRAM
    facts = roots_commitment(forest).to_bytes() + blake3(payload).digest()
    return Envelope(kind, tuple(sorted(served_keys(forest))), tuple(sorted(linked_keys(forest))), facts, payload)


def served_keys(forest: MastForest) -> set[ObjectKey]:
    """Return the keys that a forest serves: its procedures that are not external."""
    return {ObjectKey(CURRENT.number, forest.digest_bytes(root)) for root in forest.roots if forest.kind(root) != NodeKind.EXTERNAL}


def linked_keys(forest: MastForest) -> set[ObjectKey]:
    """Return the keys that a forest needs: its external nodes, those aside that it serves itself."""
    nodes, external = forest.node_bytes, NodeKind.EXTERNAL
    found = {
        ObjectKey(CURRENT.number, nodes[at + DIGEST_OFFSET : at + DIGEST_OFFSET + DIGEST_SIZE])
        for at in range(0, len(nodes), NODE_SIZE)
        if nodes[at] == external
    }
    return found - served_keys(forest) if found else found


def decode_object(envelope: Envelope, *, verify: bool) -> CodeObject:
    """Return the code in an envelope.

    With `verify`, every digest is recomputed, and keys, links and commitments must be those of the forest; without, all that
    has been done before on this machine, for these very bytes.

    Raises `FormatError` for an object that is no code or none of this MAST version, `IntegrityError` for a lie.
    """
    if envelope.kind not in CODE_KINDS or len(envelope.facts) != 2 * DIGEST_SIZE:
        raise FormatError(f"an object of kind {envelope.kind} is no code", offset=10, kind="InvalidKind")
    if any(key.space != CURRENT.number for key in envelope.keys):
        raise FormatError(f"the object is code of another MAST version than {CURRENT.number}", kind="UnsupportedMastVersion")
    program = None
    if envelope.kind == ObjectKind.PROGRAM:
        program = Program.from_bytes(envelope.payload) if verify else Program.from_trusted_bytes(envelope.payload)
        forest = program.forest
    else:
        forest = MastForest.from_bytes(envelope.payload) if verify else MastForest.from_trusted_bytes(envelope.payload)
    roots, content = envelope.facts[:DIGEST_SIZE], envelope.facts[DIGEST_SIZE:]
    if verify:
        _check("keys", b"".join(sorted(map(ObjectKey.to_bytes, served_keys(forest)))), b"".join(map(ObjectKey.to_bytes, envelope.keys)))
        _check("links", b"".join(sorted(map(ObjectKey.to_bytes, linked_keys(forest)))), b"".join(map(ObjectKey.to_bytes, envelope.links)))
        _check("roots commitment", roots_commitment(forest).to_bytes(), roots)
        _check("content commitment", blake3(envelope.payload).digest(), content)
    return CodeObject(forest, program, roots, content)


def _check(what: str, found: bytes, claimed: bytes) -> None:
    if claimed != found:
        raise IntegrityError(
            f"the object lies about its {what}: it is another for its code",
            expected=_shown(claimed),
            found=_shown(found),
            kind="CommitmentMismatch",
        )


def _shown(data: bytes) -> str:
    return "0x" + (data if len(data) <= DIGEST_SIZE else blake3(data).digest()).hex()


def content_of(content: Content) -> bytes:
    """Return the content commitment that an artifact has as one whole object: what `ObjectStore.get` may be told to insist on."""
    return envelopes_of(content)[0].facts[DIGEST_SIZE:]
