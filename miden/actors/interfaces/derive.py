"""The interface of an actor that is written in Python, from its class."""

from __future__ import annotations

from types import NoneType
from typing import get_args, get_origin

from miden.actors.address import Address
from miden.actors.interfaces.interface import Interface
from miden.actors.interfaces.interface import Method as InterfaceMethod
from miden.actors.interfaces.schema import WELL_KNOWN, Field, ListOf, Name, Schema, Struct
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.actors.interfaces.schema import Type
    from miden.actors.runtimes.native import Actor, Method

_NAMES = {int: "Uint", bool: "Bool", str: "String", bytes: "Bytes", float: "Float", Address: "Address", Cid: "Link", NoneType: "Null"}


def interface_of_class(actor: type[Actor]) -> Interface:
    """Return the interface of a class, from the annotations of its methods.

    What has no annotation, or one that schemas do not know, is `Any`; a method that gives nothing is annotated with None.
    Parameters with defaults are optional, in methods that can be called without any.

    >>> from miden.actors.runtimes.native import Actor, method
    >>> class Adder(Actor):
    ...     name = "adder"
    ...     @method
    ...     def add(self, numbers: list[int]) -> int: ...
    >>> from miden.actors.interfaces.text import method_line
    >>> method_line(interface_of_class(Adder).method("Add"))
    'method Add(numbers [Uint]) -> Uint'
    """
    methods = [_method(found) for found in actor.methods.values()]
    known = {name: WELL_KNOWN[name] for name in ("Address", "Uint")}
    return Interface(actor.name or actor.__name__, methods, schema=Schema(known))


def _method(found: Method) -> InterfaceMethod:
    fields = tuple(Field(name, _type(kind), optional=found.optional) for name, kind in found.parameters)
    result = None if found.returns is NoneType or found.returns is None else _type(found.returns)
    return InterfaceMethod(found.name, found.number, Struct(fields), result)


def _type(kind: Any) -> Type:
    if get_origin(kind) is list:
        return ListOf(_type(get_args(kind)[0]))
    return Name(_NAMES.get(kind, "Any"))
