"""Method numbers: two that the machine knows, and those that are the hash of a name. (fvm.md section 2.6, FRC-0042.)"""

from __future__ import annotations

from hashlib import blake2b

from miden.errors import InputError

SEND = 0
"""A bare transfer of value: no code runs."""
CONSTRUCTOR = 1

FIRST_EXPORTED = 1 << 24
"""The lowest number that a name can have."""


def method_number(name: str) -> int:
    """Return the number of a method by its name: ASCII letters, digits and ``_``, with a capital letter or ``_`` first.

    Raises `InputError` for another name.

    >>> method_number("InvokeEVM"), method_number("Constructor")
    (3844450837, 1)
    """
    if not name.isascii() or not (name[:1].isupper() or name[:1] == "_") or not name.replace("_", "a").isalnum():
        text = f"expected the name of a method, which starts with a capital letter or _ and has letters, digits and _, found {name!r}"
        raise InputError(text, kind="MethodName")
    if name == "Constructor":
        return CONSTRUCTOR
    digest = blake2b(f"1|{name}".encode()).digest()
    for start in range(0, len(digest), 4):
        number = int.from_bytes(digest[start : start + 4])
        if number >= FIRST_EXPORTED:
            return number
    raise InputError(f"no part of the hash of {name!r} is the number of a method", kind="MethodName")
