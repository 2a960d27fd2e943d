"""`.inputs` files: read as the reference reads them, refused with the place named."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import InputError
from miden.field import P, Word
from miden.vm.inputs import AdviceInputs, StackInputs
from miden.vm.inputs_file import MAX_BYTES, InputFile
from miden.vm.merkle import MerkleTree, PartialMerkleTree, SparseMerkleTree

if TYPE_CHECKING:
    from pathlib import Path

ONE = Word((1, 0, 0, 0)).to_hex()
TWO = Word((2, 0, 0, 0)).to_hex()


def parse(**fields: Any) -> InputFile:
    return InputFile.parse(json.dumps({"operand_stack": [], **fields}))


def refused(**fields: Any) -> str:
    with pytest.raises(InputError) as error:
        parse(**fields)
    return error.value.message


def test_the_last_value_of_operand_stack_is_the_top() -> None:
    assert list(parse(operand_stack=["1", "2"]).stack) == [2, 1]


def test_numbers_may_have_a_plus_and_leading_zeros() -> None:
    assert parse(operand_stack=["+007", "0" * 5000 + "8", "0"]).stack == StackInputs.from_bottom([7, 8, 0])


def test_the_first_value_of_advice_stack_is_popped_first() -> None:
    assert parse(advice_stack=["1", "2"]).advice.stack == (1, 2)


def test_advice_map_values_are_numbers() -> None:
    assert parse(advice_map={ONE: [1, P - 1], TWO.upper().replace("0X", "0x"): []}).advice.map == {
        Word((1, 0, 0, 0)): (1, P - 1),
        Word((2, 0, 0, 0)): (),
    }


def test_a_merkle_store_is_a_list_of_trees() -> None:
    store = parse(
        merkle_store=[
            {"merkle_tree": [ONE, TWO]},
            {"sparse_merkle_tree": [[2**64 - 1, ONE]]},
            {"partial_merkle_tree": [[[1, 0], ONE], [[1, 1], TWO]]},
        ]
    ).advice.store
    assert [type(tree) for tree in store] == [MerkleTree, SparseMerkleTree, PartialMerkleTree]


def test_null_stands_for_an_absent_field() -> None:
    advice = parse(advice_stack=None, advice_map=None, merkle_store=None).advice
    assert (advice.stack, advice.map, advice.store) == ((), {}, ())


def test_unknown_fields_are_ignored() -> None:
    assert len(parse(comment={"any": [1.5, -3, None]}).stack) == 0


@pytest.mark.parametrize("value", ["", "-1", " 1", "1 ", "1_0", "0x1", "1.0", "٣", "²", str(2**64), "9" * 5000, 1, None, True, ["1"]])
def test_operand_stack_values_are_strings_of_digits(value: object) -> None:
    assert refused(operand_stack=["1", value]).startswith("operand_stack[1]: expected")


@pytest.mark.parametrize("field", ["operand_stack", "advice_stack"])
def test_values_are_below_p(field: str) -> None:
    assert refused(**{field: [str(P)]}) == f"{field}[0]: {P} is not below p"


def test_more_than_sixteen_stack_inputs_are_refused() -> None:
    with pytest.raises(InputError) as error:
        parse(operand_stack=["1"] * 17)
    assert error.value.kind == "InputLengthExceeded"


@pytest.mark.parametrize("value", [1, "1", {"1": 1}, True])
def test_lists_are_lists(value: object) -> None:
    for field in ("operand_stack", "advice_stack", "merkle_store"):
        assert refused(**{field: value}).startswith(f"{field}: expected a list")


def test_operand_stack_is_required() -> None:
    with pytest.raises(InputError, match="operand_stack: the field is missing"):
        InputFile.parse("{}")


@pytest.mark.parametrize("value", ["1", 1.0, -1, 2**64, 1e30, None, True, [1]])
def test_advice_map_values_are_unsigned_integers(value: object) -> None:
    assert refused(advice_map={ONE: [1, value]}).startswith(f"advice_map[{ONE!r}][1]: expected")


def test_a_negative_zero_is_no_integer() -> None:
    with pytest.raises(InputError, match=r"expected an integer, found the number -0\.0"):
        InputFile.parse(f'{{"operand_stack": [], "advice_map": {{"{ONE}": [-0]}}}}')


@pytest.mark.parametrize("key", ["", ONE[2:], ONE[:-1], ONE + "0", "0X" + ONE[2:], ONE[:-1] + "g", ONE[:-2] + " 0", "0x" + "f" * 64])
def test_advice_map_keys_are_words_in_hex(key: str) -> None:
    assert refused(advice_map={key: []}).startswith(f"advice_map[{key!r}")


def test_a_key_in_two_spellings_is_refused() -> None:
    key = Word((10, 0, 0, 0)).to_hex()
    assert "given twice" in refused(advice_map={key: [1], "0x" + key[2:].upper(): [2]})


def test_a_field_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="operand_stack: the field is given twice"):
        InputFile.parse('{"operand_stack": [], "operand_stack": []}')


@pytest.mark.parametrize(
    ("tree", "place"),
    [
        ({"merkle_tree": [ONE]}, "merkle_store[0].merkle_tree: a Merkle tree has at least 2 leaves"),
        ({"merkle_tree": [ONE] * 3}, "merkle_store[0].merkle_tree: the number of leaves"),
        ({"merkle_tree": [ONE, 1]}, "merkle_store[0].merkle_tree[1]: expected a word in hex"),
        ({"merkle_tree": ONE}, "merkle_store[0].merkle_tree: expected a list"),
        ({"sparse_merkle_tree": [[0, ONE], [0, TWO]]}, "merkle_store[0].sparse_merkle_tree: multiple values"),
        ({"sparse_merkle_tree": [["0", ONE]]}, "merkle_store[0].sparse_merkle_tree[0][0]: expected an integer"),
        ({"sparse_merkle_tree": [[2**64, ONE]]}, "merkle_store[0].sparse_merkle_tree[0][0]: expected an"),
        ({"sparse_merkle_tree": [[0, ONE, ONE]]}, "merkle_store[0].sparse_merkle_tree[0]: expected a list of two"),
        ({"partial_merkle_tree": []}, "merkle_store[0].partial_merkle_tree: a partial Merkle tree has"),
        ({"partial_merkle_tree": [[[65, 0], ONE]]}, "merkle_store[0].partial_merkle_tree: the depth"),
        ({"partial_merkle_tree": [[[1, 2], ONE]]}, "merkle_store[0].partial_merkle_tree: node index 2"),
        ({"partial_merkle_tree": [[[1, 0], ONE]]}, "merkle_store[0].partial_merkle_tree: node `depth=1, value=1`"),
        ({"partial_merkle_tree": [[1, ONE]]}, "merkle_store[0].partial_merkle_tree[0][0]: expected a list of two"),
        ({"other_tree": []}, "merkle_store[0]: expected one of"),
        ({}, "merkle_store[0]: expected an object with one of"),
        ({"merkle_tree": [ONE, TWO], "sparse_merkle_tree": []}, "merkle_store[0]: expected an object"),
        ([], "merkle_store[0]: expected an object"),
    ],
)
def test_malformed_trees_are_refused(tree: object, place: str) -> None:
    assert refused(merkle_store=[tree]).startswith(place)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"operand_stack": [NaN]}', "\ufeff{}", '{"a": "\x01"}', "{} {}", "\0"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        InputFile.parse(text)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_is_refused_quickly(opening: str) -> None:
    with pytest.raises(InputError, match="nest 128 deep"):
        InputFile.parse(opening * 1_000_000)


def test_brackets_in_strings_do_not_nest() -> None:
    assert InputFile.parse(json.dumps({"operand_stack": [], "note": '\\"' + "[" * 1000})).advice.stack == ()


def test_a_text_of_quotes_and_backslashes_is_refused_quickly() -> None:
    with pytest.raises(InputError):
        InputFile.parse('\\"' * 200_000)


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.inputs"
    path.write_text('{"operand_stack": ["5"], "advice_stack": ["6"]}')
    assert StackInputs.from_file(path) == StackInputs([5])
    assert AdviceInputs.from_file(path).stack == (6,)


def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.inputs"
    path.write_bytes(b'{"operand_stack": ["\xff"]}')
    with pytest.raises(InputError, match=r"UTF-8 text: .* at byte 20"):
        InputFile.read(path)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.inputs"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="at most"):
        InputFile.read(path)


def test_from_json_takes_integers_and_strings() -> None:
    advice = AdviceInputs.from_json({"advice_stack": [1, "2"], "advice_map": {ONE: ["3", 4]}, "stack": "ignored"})
    assert advice.stack == (1, 2)
    assert list(advice.map.values()) == [(3, 4)]


@pytest.mark.parametrize("value", [P, -1, 1.0, True, None, pytest.param(10**5000, id="huge")])
def test_from_json_refuses_what_is_not_a_felt(value: object) -> None:
    with pytest.raises(InputError, match=r"advice_stack\[0\]"):
        AdviceInputs.from_json({"advice_stack": [value]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ONE, TWO, "5", str(P), str(2**64)]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["merkle_tree", "sparse_merkle_tree", "partial_merkle_tree", ONE]), inner, max_size=3
        )
    ),
    max_leaves=20,
)
FIELDS = ("operand_stack", "advice_stack", "advice_map", "merkle_store")


@given(fields=st.fixed_dictionaries({"operand_stack": JSON}, optional=dict.fromkeys(FIELDS[1:], JSON)))
def test_any_json_is_read_or_refused(fields: dict[str, Any]) -> None:
    for read in (lambda: InputFile.parse(json.dumps(fields)), lambda: AdviceInputs.from_json(fields)):
        with contextlib.suppress(InputError):
            read()


@given(text=st.text(alphabet='{}[]":,0123456789-+eE. \\nulltruefalse', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        InputFile.parse(text)
