"""The table of MAST versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import miden
from miden.errors import FormatError
from miden.hashing import elements_digest, merge_digest
from miden.isa import NODE_DOMAINS
from miden.mast.versions import CURRENT, MAST_VERSIONS, MastVersion, mast_version
from tests.support.mast_vectors import FILES

if TYPE_CHECKING:
    from miden.mast.forest import MastForest


def digests_of(forest: MastForest, version: MastVersion) -> bytes:
    return version.digests(forest.node_bytes, forest.operation_bytes, forest.immediate_bytes)


@pytest.mark.parametrize(("kind", "data"), [row[1:3] for row in FILES[:12]], ids=[row[0] for row in FILES[:12]])
def test_the_current_version_computes_the_digests_of_the_reference(kind: str, data: bytes) -> None:
    forest = {"program": miden.Program, "library": miden.Library, "kernel": miden.KernelLibrary}[kind].from_bytes(data).forest  # type: ignore[attr-defined]
    readable = MastVersion(0, "0.20.6", "rpo256", NODE_DOMAINS, merge_digest, elements_digest)
    expected = b"".join(digest.to_bytes() for digest in forest.digests)
    assert digests_of(forest, CURRENT) == expected
    assert digests_of(forest, readable) == expected


def test_another_row_gives_other_digests_and_nothing_else_changes() -> None:
    domains = {kind: domain + 1 for kind, domain in NODE_DOMAINS.items()}
    other = MastVersion(1, "none", "rpo256", domains, merge_digest, elements_digest)
    forest = miden.assemble("begin push.1 if.true add else mul end end").forest
    found = digests_of(forest, other)
    for node in range(len(forest)):
        same = found[32 * node : 32 * node + 32] == forest.digest_bytes(node)
        assert same == (not forest.children(node))


def test_version_0_is_the_current_one() -> None:
    assert mast_version(0) is CURRENT is MAST_VERSIONS[0]


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        mast_version(7, offset=3)
    assert (caught.value.kind, caught.value.offset) == ("UnsupportedMastVersion", 3)
