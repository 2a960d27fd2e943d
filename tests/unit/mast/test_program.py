"""Programs and kernels."""

from __future__ import annotations

import pytest

from miden.errors import InputError
from miden.field import Word
from miden.isa import OP
from miden.mast.advice_map import AdviceMap
from miden.mast.builder import ForestBuilder
from miden.mast.program import Kernel, Program
from tests.support.mast_vectors import VECTORS


def program(kernel: Kernel | None = None) -> Program:
    builder = ForestBuilder()
    builder.add_root(builder.add_block(bytes([OP["ADD"]])))
    builder.add_block(bytes([OP["MUL"]]))
    return Program(builder.build(), 0, kernel)


def test_a_kernel_is_sorted_by_its_bytes() -> None:
    kernel = Kernel([(2, 0, 0, 0), (1, 0, 0, 0), (256, 0, 0, 0)])
    assert [word[0] for word in kernel.procedures] == [256, 1, 2]
    assert kernel.digest_bytes.hex() == VECTORS["kernel_sort"][2:]


def test_a_kernel_contains_its_procedures() -> None:
    kernel = Kernel([(1, 0, 0, 0)])
    assert Word((1, 0, 0, 0)) in kernel
    assert (2, 0, 0, 0) not in kernel
    assert (len(kernel), list(kernel)) == (1, [Word((1, 0, 0, 0))])
    assert kernel == Kernel([[1, 0, 0, 0]])
    assert len({kernel, Kernel([(1, 0, 0, 0)]), Kernel()}) == 2


def test_a_kernel_has_at_most_255_procedures() -> None:
    words = [(number, 0, 0, 0) for number in range(256)]
    assert len(Kernel(words[:255])) == 255
    with pytest.raises(InputError) as caught:
        Kernel(words)
    assert caught.value.kind == "TooManyProcedures"


def test_a_kernel_has_no_procedure_twice() -> None:
    with pytest.raises(InputError) as caught:
        Kernel([(1, 0, 0, 0), (1, 0, 0, 0)])
    assert caught.value.kind == "DuplicatedProcedures"


def test_the_hash_of_a_program_is_the_digest_of_its_entrypoint() -> None:
    assert program().hash == program().forest.digests[0]


@pytest.mark.parametrize("entrypoint", [1, 2, -1])
def test_the_entrypoint_must_be_a_procedure_root(entrypoint: int) -> None:
    with pytest.raises(InputError) as caught:
        Program(program().forest, entrypoint)
    assert caught.value.kind == "InvalidEntrypoint"


def test_programs_are_values() -> None:
    kernel = Kernel([(1, 0, 0, 0)])
    assert program() == program()
    assert program() != program(kernel)
    assert program() != 5
    assert len({program(), program(), program(kernel)}) == 2
    assert repr(program(kernel)).endswith("2 nodes, kernel of 1>")
    assert dict(program().__rich_repr__())["entrypoint"] == 0


def test_an_advice_map_can_be_added() -> None:
    first = program().with_advice_map(AdviceMap({(1, 0, 0, 0): [1]}))
    assert dict(first.with_advice_map(AdviceMap({(1, 0, 0, 0): [2]})).forest.advice_map) == {(1, 0, 0, 0): (2,)}
    assert first.hash == program().hash


def test_stripping_keeps_the_hash_and_the_kernel() -> None:
    stripped = program(Kernel([(1, 0, 0, 0)])).strip_debug_info()
    assert (stripped.hash, len(stripped.kernel)) == (program().hash, 1)


def test_public_inputs_are_the_hash_and_the_reversed_kernel_digests_padded() -> None:
    assert program(Kernel([(1, 2, 3, 4)])).public_inputs() == [*program().hash, 0, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1]
