"""The parser: text to syntax tree, hand-written, without recursion on the input. (assembly.md sections 1 to 3.)

`parse_module` is the door. Inside: `forms` (top level), `blocks` (bodies), `instructions`, `expressions` (constants),
`types`, `attributes`, `names`, `literals`, over a `cursor`; `follow` knows what may come after what, `hints` is loaded for
error messages only.
"""

from __future__ import annotations

from miden.assembly.parser.cursor import Cursor
from miden.assembly.parser.forms import module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.assembly.ast import Module
    from miden.assembly.source import SourceFile

MAX_DEPTH = 65_536
"""How deep blocks, parentheses and types may be nested unless the caller says otherwise."""


def parse_module(source: SourceFile, *, max_depth: int = MAX_DEPTH) -> Module:
    """Parse a module; what it means is for semantic analysis to find out.

    Raises
    ------
    ParseError
        The first problem, with its place. `kind` is the reference's name (assembly.md section 8), or
        `NestingLimitExceeded` for blocks, parentheses or types nested deeper than `max_depth`.

    >>> from miden.assembly.source import SourceFile
    >>> begin = parse_module(SourceFile("begin push.1.2 add.0 u32lt.9 end")).forms[0]
    >>> [(op.name, op.args) for op in begin.body]
    [('push', (1,)), ('push', (2,)), ('push', (9,)), ('u32lt', ())]
    """
    return module(Cursor(source, max_depth))
