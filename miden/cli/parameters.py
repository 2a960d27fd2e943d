"""The arguments and options of a verb as a table, and a reader for the command lines that need no explaining.

Importing click takes longer than assembling and running a small program. So a verb lists its parameters here, once, in
click's own terms. `read_words` understands a line in which every word is as listed, and gives up on any other: an unknown
option, a value out of range, one that starts with a dash, ``--help``. Then `miden.cli.commands` makes click's command of
the same list, and click reads the line again, explains what is wrong with it, and writes the help.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Text:
    """Any text."""

    def read(self, word: str) -> object:
        """Return the value that a word stands for, or None if click has to judge it."""
        return word or None


class FilePath(Text):
    """A path; with `allow_dash`, ``-`` is standard input or output."""

    def __init__(self, *, allow_dash: bool = False) -> None:
        self.allow_dash = allow_dash

    def read(self, word: str) -> object:
        # click refuses what is there and cannot be read
        return word if word and (os.access(word, os.R_OK) or not os.path.lexists(word)) else None


class Choice(Text):
    """One of several words."""

    def __init__(self, choices: Iterable[str]) -> None:
        self.choices = tuple(choices)

    def read(self, word: str) -> object:
        return word if word in self.choices else None


class IntRange(Text):
    """An integer with bounds, both inclusive; None is no bound."""

    def __init__(self, min: int, max: int | None = None) -> None:
        self.min = min
        self.max = max

    def read(self, word: str) -> object:
        if not (word.isascii() and word.isdigit() and len(word) < 20):
            return None
        value = int(word)
        return value if self.min <= value and (self.max is None or value <= self.max) else None


class Number(Text):
    """A number, with a fraction or without."""

    def read(self, word: str) -> object:
        return float(word) if word.replace(".", "", 1).isdigit() and word.isascii() else None


class Parameter:
    """One argument (no `flags`) or option of a verb.

    Attributes
    ----------
    name
        Name of the parameter of the verb's function.
    flags
        How an option is written: ``-o``, ``--output``.
    kind
        What its value is; None for an option without a value.
    flag_value
        What an option without a value stands for.
    default
        Value where it is not given; a string is read like a word of the command line.
    required
        Whether it must be given.
    multiple
        An option that may be given several times, or an argument that takes all words that are left; the value is a tuple.
    metavar, help
        For the help.
    """

    def __init__(
        self,
        name: str,
        flags: tuple[str, ...],
        kind: Text | None,
        *,
        flag_value: object = True,
        default: object = None,
        required: bool = False,
        multiple: bool = False,
        metavar: str | None = None,
        help: str | None = None,
    ) -> None:
        self.name = name
        self.flags = flags
        self.kind = kind
        self.flag_value = flag_value
        self.default = default
        self.required = required
        self.multiple = multiple
        self.metavar = metavar
        self.help = help


_TEXT = Text()


def argument(
    name: str,
    type: Text = _TEXT,
    *,
    default: str | None = None,
    required: bool = True,
    multiple: bool = False,
    metavar: str | None = None,
) -> Parameter:
    """List an argument; one with a default need not be given. The last one may be `multiple`: all words that are left."""
    return Parameter(name, (), type, default=default, required=required and default is None, multiple=multiple, metavar=metavar)


def option(
    *flags: str,
    name: str | None = None,
    type: Text = _TEXT,
    default: object = None,
    required: bool = False,
    multiple: bool = False,
    metavar: str | None = None,
    help: str,
) -> Parameter:
    """List an option with a value."""
    facts = {"default": default, "required": required, "multiple": multiple}
    return Parameter(name or _name(flags), flags, type, metavar=metavar, help=help, **facts)  # type: ignore[arg-type]


def flag(*flags: str, name: str | None = None, flag_value: str | None = None, help: str) -> Parameter:
    """List an option without a value: True where it is given, or `flag_value`."""
    if flag_value is None:
        return Parameter(name or _name(flags), flags, None, default=False, help=help)
    return Parameter(name or _name(flags), flags, None, flag_value=flag_value, help=help)


def _name(flags: tuple[str, ...]) -> str:
    """Return the name that click would give the parameter: that of its first long flag."""
    return next(word for word in flags if word.startswith("--"))[2:].replace("-", "_")


def read_words(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, object] | None:
    """Return the values of all parameters by name, or None if click has to look at the line."""
    options = {word: parameter for parameter in parameters for word in parameter.flags}
    places = [parameter for parameter in parameters if not parameter.flags]
    places.reverse()
    values: dict[str, object] = {}
    rest = iter(words)
    for word in rest:
        if word[:1] != "-" or word == "-":
            if not places:
                return None
            parameter, text = places[-1] if places[-1].multiple else places.pop(), word
        else:
            flags, equals, text = word.partition("=") if word[1:2] == "-" else (word, "", "")
            found = options.get(flags)
            if found is None:
                return None
            parameter = found
            if parameter.kind is not None and not equals:
                text = next(rest, "")
                if text[:1] == "-" and text != "-":
                    return None
            elif parameter.kind is None and equals:
                return None
        value = parameter.flag_value if parameter.kind is None else parameter.kind.read(text)
        if value is None:
            return None
        if parameter.multiple:
            earlier = values.get(parameter.name, ())
            assert isinstance(earlier, tuple)
            values[parameter.name] = (*earlier, value)
        elif parameter.name in values:
            return None
        else:
            values[parameter.name] = value
    for parameter in parameters:
        if parameter.name not in values:
            if parameter.required:
                return None
            default = parameter.default
            if isinstance(default, str) and parameter.kind is not None:
                default = parameter.kind.read(default)
                if default is None:
                    return None
            values[parameter.name] = () if parameter.multiple else default
    return values
