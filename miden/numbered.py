"""Integers with names, as `enum.IntEnum` has them: for tables that every start of the command line reads.

Importing `enum` takes longer than assembling a small program, and so does what `enum` makes of a class. `Numbered` keeps
what tables of numbers need: members that are integers, lookup by value and by name, iteration in the order of definition.
To a type checker it is `IntEnum`.
"""

from __future__ import annotations

__all__ = ["Numbered"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import IntEnum as Numbered
else:

    class _Members(type):
        """Makes members of the integers in the body of a class."""

        def __init__(cls, name, bases, body):
            cls._by_value = {}
            cls._by_name = {}
            for key, value in body.items():
                if type(value) is int:
                    member = int.__new__(cls, value)
                    member.name = key
                    member.value = value
                    cls._by_value[value] = cls._by_name[key] = member
                    setattr(cls, key, member)

        def __iter__(cls):
            return iter(cls._by_name.values())

        def __len__(cls):
            return len(cls._by_name)

        def __getitem__(cls, name):
            return cls._by_name[name]

    class Numbered(int, metaclass=_Members):
        """Base of a table of numbers with names.

        >>> class Colour(Numbered):
        ...     RED = 1
        ...     BLUE = 4
        >>> Colour(4), Colour["RED"] + 1, [colour.name for colour in Colour], len(Colour)
        (<Colour.BLUE: 4>, 2, ['RED', 'BLUE'], 2)
        >>> Colour(2)
        Traceback (most recent call last):
            ...
        ValueError: 2 is not a valid Colour
        """

        def __new__(cls, value):
            try:
                return cls._by_value[value]
            except (KeyError, TypeError):
                raise ValueError(f"{value!r} is not a valid {cls.__name__}") from None

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {int(self)}>"

        def __str__(self):
            return int.__repr__(self)

        def __format__(self, spec):
            return int.__format__(int(self), spec)

        def __reduce__(self):
            return type(self), (int(self),)
