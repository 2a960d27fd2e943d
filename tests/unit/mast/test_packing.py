"""Digests and padding of blocks: the core's and the readable ones are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from miden.mast.packing import block_digest_bytes, pad_operations, readable_block_digest, readable_pad_operations
from tests.strategies.mast import block_codes
from tests.support.mast_vectors import BLOCKS, code_of

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("digest", [block_digest_bytes, readable_block_digest], ids=["door", "readable"])
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block["name"])
def test_digests_of_blocks_are_those_of_the_reference(block: dict[str, Any], digest: Callable[[bytes, list[int]], bytes]) -> None:
    assert "0x" + digest(*code_of(block["raw_ops"])).hex() == block["digest"]


@given(block_codes())
def test_the_door_hashes_and_pads_as_the_readable_definition(code: tuple[bytes, list[int]]) -> None:
    opcodes, immediates = code
    assert block_digest_bytes(opcodes, immediates) == readable_block_digest(opcodes, immediates)
    assert pad_operations(opcodes) == readable_pad_operations(opcodes)
