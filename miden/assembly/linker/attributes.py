"""Attributes of procedures, from syntax to what a library exports."""

from __future__ import annotations

from miden.mast.exports import Attribute, AttributeKind, MetaKind, MetaValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from miden.assembly.ast import Attribute as AttributeForm

_KINDS = {"ident": MetaKind.IDENTIFIER, "int": MetaKind.INTEGER, "word": MetaKind.WORD, "string": MetaKind.STRING}
_FORMS = {"marker": AttributeKind.MARKER, "list": AttributeKind.LIST, "map": AttributeKind.KEY_VALUE}


def export_attributes(forms: Iterable[AttributeForm]) -> list[Attribute]:
    """Return the attributes as exports carry them."""
    result: list[Attribute] = []
    for form in forms:
        items: list[tuple[str, MetaValue]] = []
        for item in form.items:
            entry: Any = item if form.form == "map" else ("", item)
            key, (kind, value) = entry
            items.append((key, MetaValue(_KINDS[kind], value)))
        result.append(Attribute(_FORMS[form.form], form.name, items))
    return result
