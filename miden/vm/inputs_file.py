"""`.inputs` files: JSON with the stack and the advice of a run (processor.md section 5.5).

What the reference refuses is refused here, and the error names the place in the file. Three things are stricter: a
key of the advice map that is given in two spellings is an error (the reference keeps one of them at random), a list
in place of the top-level object is an error, and so is a file of more than `MAX_BYTES`.
"""

from __future__ import annotations

from miden.errors import FormatError, InputError
from miden.field import P, Word, show_integer
from miden.vm.inputs import AdviceInputs, StackInputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike
    from typing import Any, ClassVar, NoReturn

    from miden.vm.inputs import StoreSource

MAX_BYTES = 2**26
"""Largest file that is read, 64 MiB."""

MAX_NESTING = 128
"""Deepest nesting of JSON values."""

_FIELDS = ("operand_stack", "advice_stack", "advice_map", "merkle_store")


class _Object(dict[str, object]):
    """A JSON object that remembers which of its keys came twice."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.repeated: set[str] = set()
        if len(self) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                (self.repeated if key in seen else seen).add(key)


class InputFile:
    """A parsed `.inputs` file.

    Attributes
    ----------
    stack
        `StackInputs` from ``operand_stack``.
    advice
        `AdviceInputs` from the other fields.

    Examples
    --------
    >>> InputFile.parse('{"operand_stack": ["1", "2"]}').stack[0]
    2
    """

    __slots__ = ("advice", "stack")

    def __init__(self, stack: StackInputs, advice: AdviceInputs) -> None:
        self.stack = stack
        self.advice = advice

    @classmethod
    def read(cls, path: str | PathLike[str]) -> InputFile:
        """Read a file; `InputError` for what is in it, `OSError` if it cannot be read."""
        with open(path, "rb") as file:  # noqa: PTH123 -- pathlib costs start-up time
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InputError(f"an inputs file may have at most {MAX_BYTES} bytes", kind="InputTooLarge")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"an inputs file is UTF-8 text: {error.reason} at byte {error.start}", kind="InvalidInput") from None
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> InputFile:
        """Read the text of a file."""
        data = _parse_json(text)
        if not isinstance(data, _Object):
            _refuse("", "an object", data)
        for field in _FIELDS:
            if field in data.repeated:
                raise InputError(f"{field}: the field is given twice", kind="InvalidInput")
        if "operand_stack" not in data:
            raise InputError("operand_stack: the field is missing", kind="InvalidInput")
        values = _felts(_list(data["operand_stack"], "operand_stack"), "operand_stack", _decimal)
        return cls(StackInputs.from_bottom(values), read_advice(data, strict=True))


def read_advice(data: Mapping[str, Any], *, strict: bool) -> AdviceInputs:
    """Read the advice fields of a parsed file; unless `strict`, integers and strings of digits are one."""
    number = _decimal if strict else _number
    stack = _felts(_optional_list(data, "advice_stack"), "advice_stack", number)
    return AdviceInputs(stack, _read_map(data.get("advice_map"), _integer if strict else _number), _read_store(data))


def _read_map(data: object, number: Callable[[object, str], int]) -> dict[Word, list[int]]:
    entries: dict[Word, list[int]] = {}
    if data is None:
        return entries
    if not isinstance(data, dict):
        _refuse("advice_map", "an object", data)
    for key, values in data.items():
        place = f"advice_map[{_excerpt(str(key))!r}]"
        word = _word(key, place)
        if word in entries:
            raise InputError(f"{place}: the key is given twice in different spellings", kind="InvalidInput")
        entries[word] = _felts(_list(values, place), place, number)
    return entries


def _read_store(data: Mapping[str, Any]) -> list[StoreSource]:
    store: list[StoreSource] = []
    for i, item in enumerate(_optional_list(data, "merkle_store")):
        place = f"merkle_store[{i}]"
        if not isinstance(item, dict) or len(item) != 1 or getattr(item, "repeated", None):
            _refuse(place, f"an object with one of {', '.join(_TREES)}", item)
        (kind, entries), *_ = item.items()
        if kind not in _TREES:
            raise InputError(f"{place}: expected one of {', '.join(_TREES)}, found {_excerpt(str(kind))!r}", kind="InvalidInput")
        place = f"{place}.{kind}"
        try:
            store.append(_TREES[kind](_list(entries, place), place))
        except InputError as error:
            if error.message.startswith(place):
                raise
            raise InputError(f"{place}: {error.message}", kind=error.kind) from None
    return store


def _full_tree(entries: list[object], place: str) -> StoreSource:
    from miden.vm.merkle import MerkleTree

    return MerkleTree([_word(leaf, f"{place}[{i}]") for i, leaf in enumerate(entries)])


def _sparse_tree(entries: list[object], place: str) -> StoreSource:
    from miden.vm.merkle import SparseMerkleTree

    pairs = []
    for i, entry in enumerate(entries):
        index, leaf = _pair(entry, f"{place}[{i}]")
        pairs.append((_integer(index, f"{place}[{i}][0]"), _word(leaf, f"{place}[{i}][1]")))
    return SparseMerkleTree(pairs)


def _partial_tree(entries: list[object], place: str) -> StoreSource:
    from miden.vm.merkle import PartialMerkleTree

    pairs = []
    for i, entry in enumerate(entries):
        position, leaf = _pair(entry, f"{place}[{i}]")
        depth, index = _pair(position, f"{place}[{i}][0]")
        key = (_integer(depth, f"{place}[{i}][0][0]"), _integer(index, f"{place}[{i}][0][1]"))
        pairs.append((key, _word(leaf, f"{place}[{i}][1]")))
    return PartialMerkleTree(pairs)


_TREES: dict[str, Callable[[list[object], str], StoreSource]] = {
    "merkle_tree": _full_tree,
    "sparse_merkle_tree": _sparse_tree,
    "partial_merkle_tree": _partial_tree,
}


def _parse_json(text: str) -> object:
    if text.count("[") + text.count("{") > MAX_NESTING:
        deepest = _nesting(text)
        if deepest > MAX_NESTING:
            raise InputError(f"JSON values may nest {MAX_NESTING} deep, found {deepest}", kind="InvalidInput")
    try:
        return _scan_json(text)
    except (ImportError, StopIteration, ValueError):
        pass
    from json import JSONDecodeError, loads

    try:
        return loads(text, object_pairs_hook=_Object, parse_int=_json_integer, parse_constant=_no_constant)
    except JSONDecodeError as error:
        text = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno} column {error.colno}"
        raise InputError(text, kind="InvalidInput") from None


def _scan_json(text: str) -> object:
    """Do what `json.loads` does with a text that is right, without importing `json`: that takes longer than most runs.

    Raises ImportError where the interpreter has no such scanner, StopIteration or ValueError for a text that is wrong.
    """
    from _json import make_scanner

    body = text.strip(" \t\n\r")
    value, end = make_scanner(_Scanner)(body, 0)  # type: ignore[arg-type]  # typeshed names the class that json makes
    if end != len(body):
        raise ValueError("something follows the value")
    return value


def _nesting(text: str) -> int:
    """Return how deep values nest: brackets that are not in strings."""
    import re

    depth = deepest = 0
    for match in re.finditer(r'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', text, re.DOTALL):
        depth += (match[1] is not None) - (match[2] is not None)
        deepest = max(deepest, depth)
    return deepest


def _json_integer(digits: str) -> int | float:
    # as the reference's JSON reader: what is negative or above 64 bits is a float, and a float is never accepted
    return float(digits) if digits[0] == "-" or len(digits) > 20 else int(digits)


def _no_constant(name: str) -> NoReturn:
    raise InputError(f"not JSON: {name}", kind="InvalidInput")


class _Scanner:
    """What the scanner of `json` wants to know."""

    strict = True
    object_hook = None
    object_pairs_hook = _Object
    parse_float = float
    parse_int = staticmethod(_json_integer)
    parse_constant = staticmethod(_no_constant)
    memo: ClassVar[dict[str, str]] = {}


def _optional_list(data: Mapping[str, Any], field: str) -> list[object]:
    value = data.get(field)
    return [] if value is None else _list(value, field)


def _list(value: object, place: str) -> list[object]:
    if not isinstance(value, (list, tuple)):
        _refuse(place, "a list", value)
    return list(value)


def _pair(value: object, place: str) -> tuple[object, object]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        _refuse(place, "a list of two values", value)
    return value[0], value[1]


def _decimal(value: object, place: str) -> int:
    """Read a string of digits as an unsigned 64-bit integer."""
    if not isinstance(value, str):
        _refuse(place, "a string of digits", value)
    written = value.removeprefix("+")
    digits = written.lstrip("0") if written.isascii() and written.isdigit() else "-"
    if digits == "-" or len(digits) > 20 or int(digits or "0") >= 2**64:
        raise InputError(f"{place}: expected an unsigned 64-bit integer, found {_excerpt(value)!r}", kind="InvalidInput")
    return int(digits or "0")


def _integer(value: object, place: str) -> int:
    """Read a JSON number as an unsigned 64-bit integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        _refuse(place, "an integer", value)
    if not 0 <= value < 2**64:
        raise InputError(f"{place}: expected an unsigned 64-bit integer, found {show_integer(value)}", kind="InvalidInput")
    return value


def _number(value: object, place: str) -> int:
    return _decimal(value, place) if isinstance(value, str) else _integer(value, place)


def _felts(values: list[object], place: str, number: Callable[[object, str], int]) -> list[int]:
    felts = []
    for i, item in enumerate(values):
        value = number(item, f"{place}[{i}]")
        if value >= P:
            raise InputError(f"{place}[{i}]: {value} is not below p", kind="NotFieldElement")
        felts.append(value)
    return felts


def _word(value: object, place: str) -> Word:
    if not isinstance(value, str):
        _refuse(place, "a word in hex", value)
    try:
        return Word.from_hex(value)
    except FormatError as error:
        raise InputError(f"{place}: {error.message}", kind="InvalidWord") from None


def _refuse(place: str, expected: str, found: object) -> NoReturn:
    prefix = f"{place}: " if place else ""
    raise InputError(f"{prefix}expected {expected}, found {_excerpt(_json_name(found))}", kind="InvalidInput")


def _json_name(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the number {show_integer(value)}"
    if isinstance(value, float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the string {value!r}"
    if isinstance(value, dict):
        return f"an object with {len(value)} keys"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)} values"
    return type(value).__name__


def _excerpt(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
