"""Which tokens may come after what: needed to judge constructs when the reference judges them (see `cursor`)."""

from __future__ import annotations

from miden.assembly.mnemonics import MNEMONICS, REMOVED, SYNTHETIC

FORM_STARTS = frozenset(("", "@", "pub", "proc", "use", "const", "type", "enum", "adv_map", "begin"))
"""What may stand after a form, doc comments aside; the empty text is the end of file."""

OPERATION_STARTS = frozenset(("if", "while", "repeat", *REMOVED, *(name.partition(".")[0] for name in MNEMONICS if name not in SYNTHETIC)))
"""First tokens of instructions and blocks."""

AFTER_NUMBER = FORM_STARTS | OPERATION_STARTS | {"end", "else", ".", ",", ")", "]", "}", "+", "-", "*", "/", "//"}
"""What may stand after a number below p, in one place or another."""

AFTER_TYPE = FORM_STARTS | OPERATION_STARTS | {",", ";", ">", ")", "}"}
"""What may stand after a type, in one place or another."""
