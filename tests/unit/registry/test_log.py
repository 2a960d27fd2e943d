"""The transparency log against its definition, and proofs that were tampered with."""

from __future__ import annotations

import random
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import FormatError, IntegrityError
from miden.registry.trust.log import (
    EMPTY_ROOT,
    Checkpoint,
    MerkleLog,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVES = [leaf_hash(bytes((number,))) for number in range(130)]


def root_by_definition(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash as RFC 9162 section 2.1.1 defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(root_by_definition(leaves[:split]), root_by_definition(leaves[split:]))


def log_of(size: int) -> MerkleLog:
    log = MerkleLog()
    for leaf in LEAVES[:size]:
        log.append(leaf)
    return log


def test_roots_are_those_of_the_definition() -> None:
    log = log_of(len(LEAVES))
    assert [log.root(size) for size in range(len(LEAVES) + 1)] == [root_by_definition(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


def test_vectors_of_certificate_transparency() -> None:
    """The tree of eight leaves that implementations of the RFC test with."""
    inputs = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    log = MerkleLog()
    for text in inputs:
        log.append(leaf_hash(bytes.fromhex(text)))
    assert log.root(1).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert log.root(8).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_every_leaf_of_every_size_has_a_proof() -> None:
    log = log_of(70)
    for size in range(1, 71):
        root = log.root(size)
        for index in range(size):
            verify_inclusion(LEAVES[index], index, size, log.inclusion_proof(index, size), root)


def test_every_pair_of_sizes_has_a_proof() -> None:
    log = log_of(70)
    for second in range(71):
        for first in range(second + 1):
            verify_consistency(first, second, log.root(first), log.root(second), log.consistency_proof(first, second))


@given(st.data())
def test_no_changed_proof_of_inclusion_is_accepted(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    log = log_of(size)
    proof, root, leaf = log.inclusion_proof(index, size), log.root(), LEAVES[index]
    change = data.draw(st.sampled_from(["leaf", "flip", "drop", "add", "swap", "root"]))
    if change == "leaf":
        leaf = leaf_hash(b"another")
    elif change == "flip" and proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        proof[at] = bytes((proof[at][0] ^ 1,)) + proof[at][1:]
    elif change == "drop" and proof:
        del proof[data.draw(st.integers(0, len(proof) - 1))]
    elif change == "swap" and len(proof) > 1:
        proof[0], proof[1] = proof[1], proof[0]
    elif change == "root":
        root = leaf_hash(root)
    else:
        proof.append(leaf_hash(b"more"))
    with pytest.raises(IntegrityError) as caught:
        verify_inclusion(leaf, index, size, proof, root)
    assert caught.value.kind == "NotInLog"


def test_a_history_that_was_rewritten_is_found_out() -> None:
    """1,000 logs that change, drop or reorder an early entry: none has a proof that passes, whatever is sent as one."""
    generator = random.Random(5)
    accepted = 0
    for _ in range(1000):
        first = generator.randint(1, 40)
        second = generator.randint(first + 1, 80)
        honest = log_of(second)
        leaves = list(LEAVES[:second])
        at = generator.randrange(first)
        kind = generator.choice(["change", "drop", "swap"])
        if kind == "change":
            leaves[at] = leaf_hash(b"forged")
        elif kind == "drop":
            del leaves[at]
        else:
            leaves[at], leaves[second - 1] = leaves[second - 1], leaves[at]
        forged = MerkleLog()
        for leaf in leaves:
            forged.append(leaf)
        later = len(leaves)
        if later < first:
            proofs = [[]]
        else:
            proofs = [forged.consistency_proof(first, later), honest.consistency_proof(first, second), []]
        for proof in proofs:
            try:
                verify_consistency(first, later, honest.root(first), forged.root(), proof)
            except IntegrityError as error:
                assert error.kind == "LogRewritten"
            else:
                accepted += 1
    assert accepted == 0


@pytest.mark.parametrize(("first", "second"), [(5, 3), (-1, 3), (3, 2**60)])
def test_sizes_that_cannot_be_are_refused(first: int, second: int) -> None:
    with pytest.raises(IntegrityError):
        verify_consistency(first, second, LEAVES[0], LEAVES[1], [])


def test_an_endless_proof_is_refused_at_once() -> None:
    log = log_of(9)
    with pytest.raises(IntegrityError):
        verify_consistency(4, 9, log.root(4), log.root(9), [LEAVES[0]] * 100_000)
    with pytest.raises(IntegrityError):
        verify_inclusion(LEAVES[0], 0, 9, [LEAVES[0]] * 100_000, log.root(9))


def test_appending_writes_two_nodes_on_average() -> None:
    assert len(log_of(128).nodes) == 255


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a\n1\n",
        b"a\n1\n" + b"0" * 64,
        b"a\n01\n" + b"0" * 64 + b"\n",
        b"a\n-1\n" + b"0" * 64 + b"\n",
        b"a\n1\n" + b"A" * 64 + b"\n",
        b"a\n1\n00\n",
        b"\xff\n1\n" + b"0" * 64 + b"\n",
        b"a\n" + b"9" * 30 + b"\n" + b"0" * 64 + b"\n",
        b"a\n1\n" + b"0" * 64 + b"\nmore",
    ],
)
def test_a_checkpoint_has_one_form(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        Checkpoint.from_bytes(data)
    assert caught.value.kind == "InvalidCheckpoint"
