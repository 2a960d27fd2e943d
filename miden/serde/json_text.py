"""JSON from outside: size and nesting are bounded, and whatever is wrong is one typed error."""

from __future__ import annotations

from functools import cache

from miden.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from json import JSONDecoder
    from typing import Any, NoReturn


def parse_json(data: bytes | str, what: str, *, limit: int) -> Any:
    """Return what JSON says; `what` names it in errors.

    Raises `FormatError` of kind ``InvalidJson`` for more than `limit` bytes, for text that is no JSON, for numbers that
    are none (``NaN``) or have thousands of digits, and for values that nest too deeply.

    >>> parse_json(b'{"a": [1]}', "a demo", limit=100)
    {'a': [1]}
    """
    if len(data) > limit:
        raise FormatError(f"{what} has {len(data)} bytes, at most {limit} are read", kind="InvalidJson")
    try:
        return _decoder().decode(data if isinstance(data, str) else str(data, "utf-8"))
    except RecursionError:
        raise FormatError(f"{what} nests too deeply", kind="InvalidJson") from None
    except ValueError as error:  # bad UTF-8 and integers of too many digits as well
        raise FormatError(f"{what} is not JSON: {error}", kind="InvalidJson") from None


def canonical_json(value: object) -> bytes:
    """Return the one spelling of a value: keys in order, no spaces, ASCII.

    >>> canonical_json({"b": 1, "a": "ä"})
    b'{"a":"\\\\u00e4","b":1}'
    """
    import json

    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


@cache
def _decoder() -> JSONDecoder:
    from json import JSONDecoder

    return JSONDecoder(parse_constant=_refuse)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


class Fields:
    """A JSON object whose fields are taken by name and type.

    All methods raise `FormatError` of kind `kind`, naming `what`.
    """

    __slots__ = ("_data", "_kind", "_what")

    def __init__(self, data: object, what: str, kind: str) -> None:
        self._what = what
        self._kind = kind
        if not isinstance(data, dict):
            self.fail(f"expected an object, found {_shown(data)}")
        self._data: dict[str, Any] = data

    def fail(self, message: str) -> NoReturn:
        """Raise the error."""
        raise FormatError(f"{self._what}: {message}", kind=self._kind)

    def only(self, *names: str) -> None:
        """Refuse other fields than these."""
        unknown = sorted(set(self._data) - set(names))
        if unknown:
            self.fail(f"there is no field {unknown[0][:40]!r}")

    def text(self, name: str, *, limit: int = 4096) -> str:
        """Take a text."""
        value = self._data.get(name)
        if not isinstance(value, str) or len(value) > limit:
            self.fail(f"{name} must be a text of at most {limit} characters, found {_shown(value)}")
        return value

    def optional_text(self, name: str, *, limit: int = 4096) -> str | None:
        """Take a text that may be absent or null."""
        return None if self._data.get(name) is None else self.text(name, limit=limit)

    def number(self, name: str, *, below: int = 2**63) -> int:
        """Take an integer from 0 to `below` - 1."""
        value = self._data.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < below:
            self.fail(f"{name} must be an integer from 0 to {below - 1}, found {_shown(value)}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Take true or false; `default` if it is absent."""
        value = self._data.get(name, default)
        if not isinstance(value, bool):
            self.fail(f"{name} must be true or false, found {_shown(value)}")
        return value

    def hexadecimal(self, name: str, size: int) -> str:
        """Take `size` bytes in lower-case hexadecimal digits."""
        value = self.text(name, limit=2 * size)
        if len(value) != 2 * size or not set(value) <= set("0123456789abcdef"):
            self.fail(f"{name} must be {2 * size} lower-case hexadecimal digits")
        return value

    def items(self, name: str, *, limit: int) -> list[Any]:
        """Take a list; an absent one is empty."""
        value = self._data.get(name, [])
        if not isinstance(value, list) or len(value) > limit:
            self.fail(f"{name} must be a list of at most {limit} items")
        return value

    def texts(self, name: str, *, limit: int, length: int = 256) -> list[str]:
        """Take a list of texts; an absent one is empty."""
        found = self.items(name, limit=limit)
        if not all(isinstance(item, str) and len(item) <= length for item in found):
            self.fail(f"{name} must be a list of texts of at most {length} characters")
        return found

    def table(self, name: str, *, limit: int) -> dict[str, Any]:
        """Take an object; an absent one is empty."""
        value = self._data.get(name, {})
        if not isinstance(value, dict) or len(value) > limit:
            self.fail(f"{name} must be an object of at most {limit} fields")
        return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
